"""Runs the write-queue."""

import signal
import sys

from service_kit.logging_setup import configure_logging
from service_kit.runner import run_application, told_in_a_line
from service_kit.settings import load_settings
from write_queue.app import SERVICE, create_app
from write_queue.settings import WriteQueueSettings


def serve() -> int:
    """Run until a signal comes; return the exit status.

    Raises `SettingsInvalid`, and `ServiceError` for a store that must not hold a journal.
    """
    settings = load_settings(WriteQueueSettings)
    configure_logging(SERVICE, settings.log_level)
    unusable: list[Exception] = []

    def end(error: Exception) -> None:
        unusable.append(error)
        signal.raise_signal(signal.SIGTERM)

    status = run_application(create_app(settings, on_unusable=end), settings)
    if unusable:
        raise unusable[0]
    return status


if __name__ == "__main__":
    sys.exit(told_in_a_line(serve))

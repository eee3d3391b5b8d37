"""Runs the sync-worker."""

import sys

from service_kit.logging_setup import configure_logging
from service_kit.runner import run_application, told_in_a_line
from service_kit.settings import load_settings
from sync_worker.app import SERVICE, create_app
from sync_worker.settings import SyncWorkerSettings


def serve() -> int:
    """Run until a signal comes; return the exit status. Raises `SettingsInvalid`, `ServiceError`."""
    settings = load_settings(SyncWorkerSettings)
    configure_logging(SERVICE, "debug" if settings.verbose_logging else settings.log_level)
    return run_application(create_app(settings), settings)


if __name__ == "__main__":
    sys.exit(told_in_a_line(serve))

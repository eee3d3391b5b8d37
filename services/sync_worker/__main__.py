"""Runs the sync-worker."""

import sys

from service_kit.errors import ServiceError
from service_kit.logging_setup import configure_logging
from service_kit.runner import run_application
from service_kit.settings import SettingsInvalid, load_settings
from sync_worker.app import SERVICE, create_app
from sync_worker.settings import SyncWorkerSettings


def serve() -> int:
    """Run until a signal comes; return the exit status. Raises `SettingsInvalid`, `ServiceError`."""
    settings = load_settings(SyncWorkerSettings)
    configure_logging(SERVICE, "debug" if settings.verbose_logging else settings.log_level)
    return run_application(create_app(settings), settings)


def main() -> int:
    """Do the same, and tell what makes working impossible in a line: status 1."""
    try:
        return serve()
    except (SettingsInvalid, ServiceError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())

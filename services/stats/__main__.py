"""Runs the stats service."""

import sys

from service_kit.logging_setup import configure_logging
from service_kit.runner import run_application, told_in_a_line
from service_kit.settings import load_settings
from stats.app import SERVICE, create_app
from stats.settings import StatsSettings


def serve() -> int:
    """Run until a signal comes; return the exit status. Raises `SettingsInvalid`, `ServiceError`."""
    settings = load_settings(StatsSettings)
    configure_logging(SERVICE, settings.log_level)
    return run_application(create_app(settings), settings)


if __name__ == "__main__":
    sys.exit(told_in_a_line(serve))

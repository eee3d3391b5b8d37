"""Runs the read-api."""

import sys

from read_api.app import SERVICE, create_app
from read_api.settings import ReadApiSettings
from service_kit.logging_setup import configure_logging
from service_kit.runner import CannotListen, run_application
from service_kit.settings import SettingsInvalid, load_settings


def main() -> int:
    """Run until a signal comes; return the exit status."""
    try:
        settings = load_settings(ReadApiSettings)
        configure_logging(SERVICE, settings.log_level)
        return run_application(create_app(settings), settings)
    except (SettingsInvalid, CannotListen) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())

"""Runs the gateway."""

import sys

from gateway.app import SERVICE, admin_settings, create_app
from gateway.settings import GATEWAY_PREFIX, GatewaySettings
from service_kit.logging_setup import configure_logging
from service_kit.runner import CannotListen, run_application, told_in_a_line
from service_kit.settings import ENV_PREFIX, load_settings


def serve() -> int:
    """Run until a signal comes; return the exit status. Raises `SettingsInvalid`, `ServiceError`."""
    settings = load_settings(GatewaySettings)
    configure_logging(SERVICE, settings.log_level)
    try:
        return run_application(create_app(settings), admin_settings(settings))
    except CannotListen as error:
        raise CannotListen(str(error).replace(ENV_PREFIX, f"{GATEWAY_PREFIX}ADMIN_")) from error


if __name__ == "__main__":
    sys.exit(told_in_a_line(serve))

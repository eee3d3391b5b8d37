"""Run the whole service in one process, until Ctrl-C or SIGTERM."""

import argparse
import contextlib
import signal
import sys

from service_kit.logging_setup import configure_logging
from service_kit.runner import run_application
from service_kit.settings import load_settings
from standalone.app import SERVICE, Banner, create_app
from standalone.settings import StandaloneSettings
from standalone.syncing import sync_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the settings say it all."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - the shape of every command
    """Serve, and return 1 when something made serving impossible."""
    settings = load_settings(StandaloneSettings)
    configure_logging(SERVICE, settings.log_level)
    announcer = Announcer()
    application = create_app(
        settings,
        on_ready=announcer.on_ready,
        on_unusable=announcer.on_unusable,
        sync=sync_settings(settings),
    )
    status = run_application(application, settings, on_listening=announcer.on_listening)
    if announcer.unusable is not None:
        sys.stderr.write(f"horde-reference serve: {announcer.unusable}\n")
        return 1
    return status


class Announcer:
    """Says once what is served and where, as soon as both are known."""

    def __init__(self) -> None:
        self._address: str | None = None
        self._banner: Banner | None = None
        self.unusable: Exception | None = None

    def on_listening(self, address: str) -> None:
        """Take the address that requests are answered under."""
        self._address = address
        self._announce()

    def on_ready(self, banner: Banner) -> None:
        """Take what is to be said of what is served."""
        self._banner = banner
        self._announce()

    def on_unusable(self, error: Exception) -> None:
        """Remember why, and end the process in order."""
        self.unusable = error
        signal.raise_signal(signal.SIGTERM)

    def _announce(self) -> None:
        if self._address is None or self._banner is None:
            return
        with contextlib.suppress(OSError):  # nobody reads it: no reason not to serve
            sys.stdout.write(self._banner(self._address))
            sys.stdout.flush()

"""Run the whole service in one process, until Ctrl-C or SIGTERM."""

import argparse
import contextlib
import signal
import sys

from read_api.holder import PageHolder
from registry.follower import Follower
from service_kit.logging_setup import configure_logging
from service_kit.runner import run_application
from service_kit.settings import load_settings
from standalone.app import SERVICE, create_app
from standalone.banner import banner
from standalone.settings import StandaloneSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the settings say it all."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - the shape of every command
    """Serve, and return 1 when something made serving impossible."""
    settings = load_settings(StandaloneSettings)
    configure_logging(SERVICE, settings.log_level)
    announcer = Announcer(settings)
    application = create_app(settings, on_ready=announcer.on_ready, on_unusable=announcer.on_unusable)
    status = run_application(application, settings, on_listening=announcer.on_listening)
    if announcer.unusable is not None:
        sys.stderr.write(f"horde-reference serve: {announcer.unusable}\n")
        return 1
    return status


class Announcer:
    """Says once what is served and where, as soon as both are known."""

    def __init__(self, settings: StandaloneSettings) -> None:
        self._settings = settings
        self._address: str | None = None
        self._served: tuple[Follower, PageHolder] | None = None
        self.unusable: Exception | None = None

    def on_listening(self, address: str) -> None:
        """Take the address that requests are answered under."""
        self._address = address
        self._announce()

    def on_ready(self, follower: Follower, holder: PageHolder) -> None:
        """Take what is served."""
        self._served = follower, holder
        self._announce()

    def on_unusable(self, error: Exception) -> None:
        """Remember why, and end the process in order."""
        self.unusable = error
        signal.raise_signal(signal.SIGTERM)

    def _announce(self) -> None:
        if self._address is None or self._served is None:
            return
        follower, holder = self._served
        counts = {name: len(pages.models) for name, pages in holder.current().categories.items()}
        text = banner(self._settings, follower.state, follower.content, counts, self._address)
        with contextlib.suppress(OSError):  # nobody reads it: no reason not to serve
            sys.stdout.write(text)
            sys.stdout.flush()

"""Run only the read-api, until Ctrl-C or SIGTERM. The journal must be seeded by another command."""

import argparse

from read_api.app import SERVICE, create_app
from read_api.settings import ReadApiSettings
from service_kit.logging_setup import configure_logging
from service_kit.runner import run_application
from service_kit.settings import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the settings say it all."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - the shape of every command
    """Serve."""
    settings = load_settings(ReadApiSettings)
    configure_logging(SERVICE, settings.log_level)
    return run_application(create_app(settings), settings)

"""Run only the gateway, until Ctrl-C or SIGTERM: nginx before the services, and what keeps it up to date."""

import argparse

from gateway.__main__ import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the settings say it all."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - the shape of every command
    """Serve."""
    return serve()

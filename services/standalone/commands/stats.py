"""Run only the stats service, until Ctrl-C or SIGTERM. The journal must be seeded by another command."""

import argparse

from stats.__main__ import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the settings say it all."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - the shape of every command
    """Serve."""
    return serve()

"""Run only the sync-worker, until Ctrl-C or SIGTERM: it keeps the legacy GitHub repositories in step."""

import argparse

from sync_worker.__main__ import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the settings say it all."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - the shape of every command
    """Serve."""
    return serve()

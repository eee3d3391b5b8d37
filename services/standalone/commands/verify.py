"""Check every entry, link and hash of the journal. Ends with status 1, saying where, if anything is wrong."""

import argparse
import asyncio
import sys

from registry.verify import Verification, verify
from service_kit.settings import load_settings
from standalone.journal_access import open_journal
from standalone.settings import StandaloneSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the settings say which journal."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - the shape of every command
    """Verify and report."""
    result = asyncio.run(_verify(load_settings(StandaloneSettings)))
    sys.stdout.write("".join(f"problem: {problem}\n" for problem in result.problems))
    sys.stdout.write(
        f"{result.entries} entries, {result.revisions} revisions, {result.blobs} blobs, "
        f"{result.checkpoints} checkpoints: "
        + (f"{len(result.problems)} problems\n" if result.problems else "all right\n")
    )
    return 1 if result.problems else 0


async def _verify(settings: StandaloneSettings) -> Verification:
    async with open_journal(settings, read_only=True) as access:
        return await verify(access.store)

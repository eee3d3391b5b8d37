"""Write the catalogue as files: `image/` and `text/` as in the legacy repositories, `v2/` beside them."""

import argparse
import asyncio
import sys
from pathlib import Path

from registry.export import export
from service_kit.settings import load_settings
from standalone.journal_access import open_journal
from standalone.settings import StandaloneSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where to."""
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="made if it is missing; files are replaced"
    )


def run(arguments: argparse.Namespace) -> int:
    """Export and name every file."""
    paths = asyncio.run(_export(load_settings(StandaloneSettings), arguments.directory))
    sys.stdout.write("".join(f"{path}\n" for path in paths))
    return 0


async def _export(settings: StandaloneSettings, directory: Path) -> list[Path]:
    async with open_journal(settings, read_only=True) as access:
        return await export(access.blobs, await access.head(), directory)

"""Make the catalogue what the files of the legacy repositories say: all categories, in one entry, or nothing.

A category that cannot be read or parsed is an error that changes nothing. The same data once more
appends nothing. `--from auto` fills an empty journal as the first start of the service would, and leaves any
other as it is.
"""

import argparse
import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from registry.seeding import SeedOutcome, seed
from registry.sources import read_directory
from service_kit.settings import load_settings
from standalone.first_fill import fill_when_empty
from standalone.journal_access import open_journal
from standalone.seed_sources import PATIENT, from_github
from standalone.settings import StandaloneSettings

FIRST_START: Final = "auto"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the files come from."""
    parser.add_argument(
        "--from",
        dest="origin",
        required=True,
        metavar="DIR|github|auto",
        help="a directory with the files, flat or in folders image and text; or the repositories themselves;"
        " or, only when the journal is empty, what the first start of the service would take",
    )
    parser.add_argument(
        "--overwrite-edits",
        action="store_true",
        help="seed although records were edited here since the last seeding: the edits are lost",
    )


def run(arguments: argparse.Namespace) -> int:
    """Seed and say what was done."""
    settings = load_settings(StandaloneSettings)
    if arguments.origin == FIRST_START:
        filled = asyncio.run(_fill(settings))
        sys.stdout.write(describe(filled) if filled else "nothing to do: the journal is not empty\n")
        return 0
    outcome = asyncio.run(_seed(settings, arguments.origin, overwrite_edits=arguments.overwrite_edits))
    sys.stdout.write(describe(outcome))
    return 0


async def _fill(settings: StandaloneSettings) -> SeedOutcome | None:
    async with open_journal(settings) as access:
        await access.require_safe_store()
        return await fill_when_empty(access, settings)


async def _seed(settings: StandaloneSettings, origin: str, *, overwrite_edits: bool) -> SeedOutcome:
    source = await (from_github(settings, PATIENT) if origin == "github" else read_directory(Path(origin)))
    async with open_journal(settings) as access:
        await access.require_safe_store()
        outcome = await seed(
            access.journal,
            access.blobs,
            source,
            state=await access.head(),
            when="always" if overwrite_edits else "unedited",
        )
        await access.checkpoints.keep(outcome.state)
        return outcome


def describe(outcome: SeedOutcome) -> str:
    """Return what an operator wants to know: counts, and each record that was left out and why."""
    lines = [
        f"left out: {category}: {one.name}: {one.path}: {one.reason}"
        for category, item in outcome.imported.items()
        for one in item.rejected
    ]
    remarks = Counter(one.code for item in outcome.imported.values() for one in item.remarks)
    if remarks:
        lines.append("remarks: " + ", ".join(f"{code} {count}" for code, count in sorted(remarks.items())))
    counts = ", ".join(f"{name} {outcome.record_counts[name]}" for name in outcome.imported)
    done = "seeded" if outcome.changed else "nothing to change"
    lines.append(f"{done}: revision {outcome.state.revision}: {counts}")
    return "\n".join(lines) + "\n"

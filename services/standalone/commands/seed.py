"""Make the catalogue what the files of the legacy repositories say, in one entry; equal data append nothing.

Of a directory it is all categories or nothing. Of GitHub each category is for itself: one that cannot be had
or understood keeps what it has, the others are seeded, and the status is 1. Where records were edited here
since the last seeding only categories that were never written are seeded. `--from auto` seeds those only,
from where the first start of the service would take them.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
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
        " or, only for what was never seeded, what the first start of the service would take",
    )
    parser.add_argument(
        "--overwrite-edits",
        action="store_true",
        help="seed although records were edited here since the last seeding: the edits are lost",
    )


def run(arguments: argparse.Namespace) -> int:
    """Seed and say what was done; 1 when a category could not be seeded."""
    settings = load_settings(StandaloneSettings)
    if arguments.origin == FIRST_START:
        outcome = asyncio.run(_fill(settings))
    else:
        outcome = asyncio.run(_seed(settings, arguments.origin, overwrite_edits=arguments.overwrite_edits))
    if outcome is None:
        sys.stdout.write("nothing to do: the journal is not empty\n")
        return 0
    sys.stdout.write(describe(outcome))
    sys.stderr.writelines(
        f"horde-reference seed: not seeded: {name}: {why}\n" for name, why in outcome.failures.items()
    )
    return 1 if outcome.failures else 0


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
    """Return what an operator wants to know: what was read, left out or left alone and why, and counts."""
    return "".join(f"{line}\n" for line in _lines(outcome))


def _lines(outcome: SeedOutcome) -> Iterator[str]:
    for one in outcome.origins.values():
        commit = f"commit {one.commit}" if one.commit else "its commit could not be found out"
        yield f"read: {one.repository}, branch {one.branch}, {commit}"
    yield from outcome.remarks
    for category, item in outcome.imported.items():
        for rejected in item.rejected:
            yield f"left out: {category}: {rejected.name}: {rejected.path}: {rejected.reason}"
    if outcome.edited:
        yield f"left as it is, because records were edited here: {', '.join(outcome.edited)}"
    remarks = Counter(one.code for item in outcome.imported.values() for one in item.remarks)
    if remarks:
        yield "remarks: " + ", ".join(f"{code} {count}" for code, count in sorted(remarks.items()))
    counts = ", ".join(f"{name} {outcome.record_counts[name]}" for name in outcome.imported)
    done = "seeded" if outcome.changed else "nothing to change"
    yield f"{done}: revision {outcome.state.revision}: {counts}"

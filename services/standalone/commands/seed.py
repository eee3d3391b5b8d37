"""Make the catalogue what the files of the legacy repositories say, in one entry; equal data append nothing.

Of a directory it is all categories or nothing. Of GitHub each category is for itself: one that cannot be had
or understood keeps what it has, the others are seeded, and the status is 1. Where records were edited here
since the last seeding only categories that were never written are seeded.

`--from auto` seeds those only, from where the first start of the service would take them. Its status is 0 as
soon as there is a catalogue, whatever is missing of it: that is tried again by the services, and told here.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from horde_model_reference.documents import SourceUnreadable
from registry.seed_origins import PATIENT, from_github
from registry.seeding import SeedOutcome, never_written, seed
from registry.sources import read_directory
from registry.state import State
from service_kit.errors import ServiceError, StoreUnsafe
from service_kit.settings import ENV_PREFIX, load_settings
from standalone.first_fill import fill_when_empty
from standalone.journal_access import JournalAccess, open_journal
from standalone.seed_sources import SAMPLE_ORIGIN
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
    """Seed and say what was done; 1 when a category could not be seeded, of `auto` when there is none."""
    settings = load_settings(StandaloneSettings)
    if arguments.origin == FIRST_START:
        asyncio.run(_begin(settings))
        return 0
    outcome = asyncio.run(_seed(settings, arguments.origin, overwrite_edits=arguments.overwrite_edits))
    sys.stdout.write(describe(outcome))
    for name, why in outcome.failures.items():
        _warn(f"not seeded: {name}: {why}")
    return 1 if outcome.failures else 0


def _warn(text: str) -> None:
    sys.stderr.write(f"horde-reference seed: {text}\n")


async def _begin(settings: StandaloneSettings) -> None:
    """See that there is a catalogue, and seed what is missing of it; raise why there is none."""
    async with open_journal(settings) as access:
        state = await access.head()
        if never_written(state):
            state = await _filled(access, settings, state)
        else:
            sys.stdout.write("nothing to do: every category is there\n")
        _tell(state, settings)


async def _filled(access: JournalAccess, settings: StandaloneSettings, before: State) -> State:
    """Try to seed what is missing, and return the state after it: a catalogue serves without some of it.

    Raises `StoreUnsafe`, and for a journal that stays empty what kept it so.
    """
    try:
        await access.require_safe_store()
        outcome = await fill_when_empty(access, settings)
    except StoreUnsafe:
        raise
    except (SourceUnreadable, ServiceError) as error:
        after = await access.head()  # somebody else may have filled it
        if after.catalogue is None:
            _warn("there is no catalogue still: run this again when its files can be had")
            if settings.github_seed_enabled:
                _warn(f"{ENV_PREFIX}GITHUB_SEED_ENABLED=true allows nothing but GitHub")
            raise
        _warn(f"not seeded: {error}")
        return after
    if outcome is None:
        return before
    sys.stdout.write(describe(outcome))
    return outcome.state


def _tell(state: State, settings: StandaloneSettings) -> None:
    """Say what is not as it should be with a catalogue that serves all the same."""
    if missing := never_written(state):
        how = "it is not tried again" if settings.github_seed_enabled is False else "the services try again"
        _warn(f"these categories were never seeded, the others are served: {', '.join(missing)} ({how})")
    if state.seeded_from == SAMPLE_ORIGIN:
        _warn("the catalogue is made up; for the real one: horde-reference seed --from github")


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

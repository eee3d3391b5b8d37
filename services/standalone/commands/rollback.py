"""Make the catalogue what it was at a former revision, as a new revision. Nothing is lost by it.

Records, aliases, families and name schemas come back; the queue stays as it is.
"""

import argparse
import asyncio
import sys

from registry.draft import Draft
from registry.rollback import rolled_back
from registry.state import State
from service_kit.settings import load_settings
from standalone.journal_access import open_journal
from standalone.settings import StandaloneSettings

ACTOR = "rollback"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where to go back to."""
    parser.add_argument("revision", type=int, metavar="REVISION", help="the revision to go back to")
    parser.add_argument("--reason", help="why; it is kept in the journal")


def run(arguments: argparse.Namespace) -> int:
    """Roll back and say what was done."""
    settings = load_settings(StandaloneSettings)
    revision, records = asyncio.run(_roll_back(settings, arguments.revision, arguments.reason))
    sys.stdout.write(f"revision {revision} has the records of revision {arguments.revision}: {records}\n")
    return 0


async def _roll_back(settings: StandaloneSettings, revision: int, reason: str | None) -> tuple[int, str]:
    async with open_journal(settings) as access:
        await access.require_safe_store()

        async def decide(state: State) -> Draft:
            now = access.journal.now()
            body, catalogue = await rolled_back(
                access.journal, access.blobs, state, revision, now=int(now.timestamp()), reason=reason
            )
            return Draft(ACTOR, "rolled_back", body, catalogue, occurred_at=now)

        after = await access.journal.append(await access.head(), decide)
        await access.checkpoints.keep(after)
        touched = after.history.revisions[after.revision].touched
        return after.revision, f"{len(touched)} changed"

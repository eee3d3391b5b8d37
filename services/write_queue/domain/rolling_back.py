"""Rolling the catalogue back to a former revision (web-console.md section B17)."""

from typing import Any

from registry.rollback import rolled_back
from registry.state import State
from write_queue.domain.commands import Command, Head, Step


def rollback(revision: int, reason: str | None = None) -> Command:
    """Make the catalogue what it was at a revision, as a new revision."""

    async def command(head: Head) -> Step:
        catalogue = head.catalogue
        body, ref = await rolled_back(
            catalogue.journal,
            catalogue.blobs,
            head.state,
            revision,
            now=int(head.now.timestamp()),
            reason=reason,
        )

        def answer(_: State) -> dict[str, Any]:
            return {
                "revision": ref.revision,
                "rolled_back_to": revision,
                "touched": [one.model_dump() for one in body.touched],
            }

        return Step("rolled_back", body, answer, catalogue=ref)

    return command

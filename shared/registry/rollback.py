"""Rolling back: a new revision with the records of a former one (architecture section 2)."""

import asyncio
from collections.abc import Mapping

from horde_model_reference.documents import CategoryDocuments
from horde_model_reference.v2_format import parse_v2
from registry.blobs import Blobs
from registry.bodies import RolledBack
from registry.catalogue import CatalogueRef, CategoryMetadata, SideData
from registry.documents import load_documents
from registry.journal import Journal
from registry.loading import load_side_data
from registry.metadata import counted
from registry.state import State
from registry.touched import touched_records
from service_kit.errors import Conflict, NotFound


async def rolled_back(
    journal: Journal, blobs: Blobs, state: State, revision: int, *, now: int, reason: str | None = None
) -> tuple[RolledBack, CatalogueRef]:
    """Return what an entry needs to make the catalogue what it was at `revision`.

    Records, aliases, families and name schemas come back; the counters of the categories go on. `now` is in
    Unix seconds. Raises `NotFound` for a revision that does not exist, `Conflict` when nothing would change,
    and what reading raises.
    """
    current = state.catalogue
    line = state.history.revisions.get(revision)
    if current is None or line is None:
        raise NotFound(f"there is no revision {revision}")
    entry, _ = await journal.read(line.sequence)
    former = entry.catalogue
    if former is None:
        raise NotFound(f"there is no revision {revision}")
    before, after = await load_documents(blobs, current), await load_documents(blobs, former)
    kept = {name: documents for name, documents in before.items() if name not in after}
    after = {**kept, **after}  # a category that was not yet there stays
    touched = await asyncio.to_thread(lambda: tuple(touched_records(before, after)))
    present = await load_side_data(blobs, current.side_data)
    side_data = _side_data(present, await load_side_data(blobs, former.side_data))
    if before == after and side_data == present:
        raise Conflict(f"revision {revision} has the same records as revision {current.revision}")
    side_data = await asyncio.to_thread(lambda: _with_totals(counted(side_data, touched, now), after))
    ref = CatalogueRef(
        revision=current.revision + 1,
        categories={**current.categories, **former.categories},
        side_data=await blobs.put(side_data.model_dump_json().encode()),
    )
    return RolledBack(to_revision=revision, touched=touched, reason=reason), ref


def _side_data(present: SideData, former: SideData) -> SideData:
    return former.model_copy(update={"metadata": present.metadata})


def _with_totals(side_data: SideData, documents: Mapping[str, CategoryDocuments]) -> SideData:
    totals = {name: len(parse_v2(one.v2)) for name, one in documents.items()}

    def totalled(name: str, known: CategoryMetadata) -> CategoryMetadata:
        return known.model_copy(update={"total_models": totals.get(name, known.total_models)})

    metadata = {
        version: {name: totalled(name, known) for name, known in categories.items()}
        for version, categories in side_data.metadata.items()
    }
    return side_data.model_copy(update={"metadata": metadata})

"""Seeding: the files of the legacy repositories become a revision of the catalogue, wholly or not at all."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from horde_model_reference.category_import import import_source
from horde_model_reference.category_import_types import ImportedCategory
from horde_model_reference.documents import CategoryDocuments, SourceUnreadable
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.v2_format import parse_v2
from registry.blobs import Blobs
from registry.bodies import Seeded, SeededCategory
from registry.catalogue import CatalogueRef, SideData
from registry.documents import load_documents, store_documents
from registry.draft import Draft
from registry.history_state import Touched
from registry.journal import Journal, utc_now
from registry.loading import load_side_data
from registry.seed_side_data import next_side_data
from registry.sources import SeedSource
from registry.state import State
from registry.touched import touched_records
from service_kit.errors import Conflict

SeedWhen = Literal["empty", "unedited", "always"]


@dataclass(frozen=True, slots=True)
class SeedOutcome:
    """What seeding did: the state after it, whether an entry was appended, and what was read."""

    state: State
    changed: bool
    imported: Mapping[str, ImportedCategory]
    record_counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """What the catalogue is to be after seeding, worked out in memory."""

    documents: Mapping[str, CategoryDocuments]
    side_data: SideData
    imported: Mapping[str, ImportedCategory]
    record_counts: Mapping[str, int]
    touched: tuple[Touched, ...]


async def seed(
    journal: Journal,
    blobs: Blobs,
    source: SeedSource,
    *,
    state: State,
    actor: str = "seed",
    when: SeedWhen = "unedited",
) -> SeedOutcome:
    """Make the categories of `source` what its files say, in one entry; equal data appends nothing.

    Every other category keeps what it has, or becomes empty. With `when="empty"` a catalogue that is there,
    also one that another writer has just made, is left as it is. Raises `Conflict` where records were edited
    since the last seeding, unless it is to be done `always`; `SourceUnreadable`, and what appending raises.
    Then nothing has changed.
    """
    outcomes: list[SeedOutcome] = []

    async def decide(current: State) -> Draft | None:
        if when == "empty" and current.catalogue is not None:
            outcomes.append(SeedOutcome(current, changed=False, imported={}, record_counts={}))
            return None
        documents = await load_documents(blobs, current.catalogue)
        side_data = await load_side_data(blobs, current.catalogue.side_data) if current.catalogue else None
        plan = await asyncio.to_thread(make_plan, source, documents, side_data, int(utc_now().timestamp()))
        changed = plan.documents != documents or plan.side_data != side_data
        if changed and when != "always":
            _require_no_edits(current)
        outcomes.append(SeedOutcome(current, changed, plan.imported, plan.record_counts))
        return await _draft(blobs, plan, source, current, actor) if changed else None

    after = await journal.append(state, decide)
    return replace(outcomes[-1], state=after)


def _require_no_edits(state: State) -> None:
    line = state.history.revisions.get(state.revision)
    if line is not None and line.kind != "seeded":
        raise Conflict(
            f"the catalogue was edited here since it was seeded (revision {line.revision}: {line.kind}); "
            "seeding would undo that"
        )


def make_plan(
    source: SeedSource, documents: Mapping[str, CategoryDocuments], side_data: SideData | None, now: int
) -> SeedPlan:
    """Read every file of a source and work out the next catalogue. Raises `SourceUnreadable`."""
    imported = import_categories(source, documents, now)
    after = {
        **{str(category): CategoryDocuments(v2=b"{}") for category in MODEL_REFERENCE_CATEGORY},
        **documents,
        **{name: item.documents for name, item in imported.items()},
    }
    counts = {name: len(parse_v2(item.v2)) for name, item in after.items()}
    changed = frozenset(name for name, item in after.items() if item != documents.get(name))
    return SeedPlan(
        documents=after,
        side_data=next_side_data(side_data, source, imported, counts, changed, now),
        imported=imported,
        record_counts=counts,
        touched=tuple(touched_records(documents, after)),
    )


def import_categories(
    source: SeedSource, documents: Mapping[str, CategoryDocuments], now: int
) -> dict[str, ImportedCategory]:
    """Read every category of a source. Raises `SourceUnreadable` naming the category."""
    imported = {}
    for category, files in source.categories.items():
        try:
            imported[category] = import_source(category, files, now=now, previous=documents.get(category))
        except SourceUnreadable as error:
            raise SourceUnreadable(f"{category}: {error}") from error
    return imported


async def _draft(blobs: Blobs, plan: SeedPlan, source: SeedSource, state: State, actor: str) -> Draft:
    catalogue = CatalogueRef(
        revision=state.revision + 1,
        categories=await store_documents(blobs, plan.documents),
        side_data=await blobs.put(plan.side_data.model_dump_json().encode()),
    )
    counts = {
        name: SeededCategory(records=plan.record_counts[name], rejected=len(item.rejected))
        for name, item in plan.imported.items()
    }
    body = Seeded(source=source.origin, categories=counts, touched=plan.touched)
    return Draft(actor=actor, kind="seeded", body=body, catalogue=catalogue)

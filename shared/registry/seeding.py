"""Seeding: files of the legacy repositories become a revision; a category wholly or not at all."""

import asyncio
import hashlib
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from horde_model_reference.category_import import import_source
from horde_model_reference.category_import_types import ImportedCategory
from horde_model_reference.documents import CategoryDocuments, SourceUnreadable
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.strict_json import on_one_line
from horde_model_reference.v2_format import parse_v2
from registry.blobs import Blobs
from registry.bodies import Seeded, SeededCategory
from registry.catalogue import CatalogueRef, SideData
from registry.documents import load_documents, store_documents
from registry.draft import Draft
from registry.history_state import RevisionLine, Touched
from registry.journal import Journal, utc_now
from registry.loading import load_side_data
from registry.seed_limits import last_edit, require_few_losses
from registry.seed_side_data import next_side_data
from registry.sources import SEED_FILES, FileOrigin, SeedSource, one_line_of
from registry.state import State
from registry.touched import touched_records
from service_kit.errors import Conflict

SeedWhen = Literal["empty", "missing", "unedited", "always"]
"""What may be written: an empty journal only; categories that were never written; those, and the others
unless anything was edited here; everything."""


@dataclass(frozen=True, slots=True)
class SeedOutcome:
    """What seeding did: the state after it, whether an entry was appended, and what was read.

    `failures` are the categories that could not be seeded, and why; `edited` those that files are there for,
    but that were left as they are because something was edited here. `record_counts` is of all categories,
    `origins` of the repositories that were read, `remarks` what was odd about that.
    """

    state: State
    changed: bool
    imported: Mapping[str, ImportedCategory] = field(default_factory=dict)
    record_counts: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    edited: tuple[str, ...] = ()
    origins: Mapping[str, FileOrigin] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """What the catalogue is to be after seeding, worked out in memory."""

    documents: Mapping[str, CategoryDocuments]
    side_data: SideData
    imported: Mapping[str, ImportedCategory]
    record_counts: Mapping[str, int]
    touched: tuple[Touched, ...]
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Present:
    """What the catalogue is before seeding."""

    state: State
    documents: Mapping[str, CategoryDocuments]
    side_data: SideData | None

    def differs_from(self, plan: SeedPlan) -> bool:
        return plan.documents != self.documents or plan.side_data != self.side_data


async def seed(
    journal: Journal,
    blobs: Blobs,
    source: SeedSource,
    *,
    state: State,
    actor: str = "seed",
    when: SeedWhen = "unedited",
) -> SeedOutcome:
    """Make categories of `source` what its files say, in one entry; equal data appends nothing.

    A category without files keeps what it has, or becomes empty; one whose files cannot be had or understood
    keeps what it has, or stays unseeded, if the source is divisible. Where records were edited since the last
    seeding only categories that were never written are seeded, unless it is to be done `always`; raises
    `Conflict` if there is none. Raises `SourceUnreadable` if a source that is not divisible has a fault, or
    no category can be seeded, and what appending raises. Then nothing has changed.
    """
    outcomes: list[SeedOutcome] = []

    async def decide(current: State) -> Draft | None:
        if when == "empty" and current.catalogue is not None:
            outcomes.append(SeedOutcome(current, changed=False))
            return None
        present = await _present(blobs, current)
        chosen = unwritten(source, present.documents, present.side_data) if when == "missing" else source
        plan = await asyncio.to_thread(_each_planned, chosen, present)
        edited: tuple[str, ...] = ()
        is_careful = when == "unedited" and present.differs_from(plan)
        if is_careful and (edit := await last_edit(journal, current)) is not None:
            chosen = unwritten(source, present.documents, present.side_data)
            if not chosen.categories:
                raise _conflict(edit)
            edited = tuple(name for name in plan.imported if name not in chosen.categories)
            plan = await asyncio.to_thread(_each_planned, chosen, present)
        changed = present.differs_from(plan)
        outcomes.append(_outcome(plan, chosen, current, changed=changed, edited=edited))
        return await _draft(blobs, plan, chosen, present, actor) if changed else None

    after = await journal.append(state, decide)
    return replace(outcomes[-1], state=after)


def never_written(state: State) -> tuple[str, ...]:
    """Return the categories that could be seeded and never were."""
    return missing_among(state.catalogue.categories if state.catalogue else ())


def missing_among(known: Container[str]) -> tuple[str, ...]:
    """Return the categories that could be seeded and are not among those that are known."""
    return tuple(category for category in SEED_FILES if category not in known)


def unwritten(
    source: SeedSource, documents: Mapping[str, CategoryDocuments], side_data: SideData | None
) -> SeedSource:
    """Return what of a source was never written here."""
    files = side_data.files if side_data else {}
    return replace(
        source,
        categories={name: one for name, one in source.categories.items() if name not in documents},
        failures={name: why for name, why in source.failures.items() if name not in documents},
        passed_on={name: body for name, body in source.passed_on.items() if name not in files},
    )


def make_plan(
    source: SeedSource, documents: Mapping[str, CategoryDocuments], side_data: SideData | None, now: int
) -> SeedPlan:
    """Read every file of a source and work out the next catalogue. Raises `SourceUnreadable`."""
    imported = {}
    for category, files in source.categories.items():
        try:
            imported[category] = import_source(category, files, now=now, previous=documents.get(category))
        except SourceUnreadable as error:
            raise SourceUnreadable(f"{category}: {error}") from error
    return _planned(source, imported, {}, _Present(State(), documents, side_data), now)


def _each_planned(source: SeedSource, present: _Present) -> SeedPlan:
    """Work out the next catalogue from what of a source can be used, if it is divisible."""
    now = int(utc_now().timestamp())
    imported: dict[str, ImportedCategory] = {}
    failures = dict(source.failures)
    for category, files in source.categories.items():
        try:
            item = import_source(category, files, now=now, previous=present.documents.get(category))
            require_few_losses(item)
            imported[category] = item
        except SourceUnreadable as error:
            failures[category] = on_one_line(str(error))
    is_enough = source.is_divisible and (imported or present.documents)
    if failures and not is_enough:
        raise SourceUnreadable(one_line_of(failures))
    return _planned(source, imported, failures, present, now)


def _planned(
    source: SeedSource,
    imported: Mapping[str, ImportedCategory],
    failures: Mapping[str, str],
    present: _Present,
    now: int,
) -> SeedPlan:
    documents = present.documents
    empty = {str(one): CategoryDocuments(v2=b"{}") for one in MODEL_REFERENCE_CATEGORY if one not in failures}
    after = {**empty, **documents, **{name: item.documents for name, item in imported.items()}}
    counts = {name: len(parse_v2(item.v2)) for name, item in after.items()}
    changed = frozenset(name for name, item in after.items() if item != documents.get(name))
    return SeedPlan(
        documents=after,
        side_data=next_side_data(present.side_data, source, imported, counts, changed, now),
        imported=imported,
        record_counts=counts,
        touched=tuple(touched_records(documents, after)),
        failures=failures,
    )


def _outcome(
    plan: SeedPlan, source: SeedSource, state: State, *, changed: bool, edited: tuple[str, ...]
) -> SeedOutcome:
    return SeedOutcome(
        state,
        changed,
        plan.imported,
        plan.record_counts,
        plan.failures,
        edited,
        source.origins,
        source.remarks,
    )


def _conflict(edit: RevisionLine) -> Conflict:
    return Conflict(
        f"the catalogue was edited here since it was seeded (revision {edit.revision}: {edit.kind}); "
        "seeding would undo that"
    )


async def _present(blobs: Blobs, state: State) -> _Present:
    if state.catalogue is None:
        return _Present(state, {}, None)
    documents = await load_documents(blobs, state.catalogue)
    return _Present(state, documents, await load_side_data(blobs, state.catalogue.side_data))


async def _draft(blobs: Blobs, plan: SeedPlan, source: SeedSource, present: _Present, actor: str) -> Draft:
    catalogue = CatalogueRef(
        revision=present.state.revision + 1,
        categories=await store_documents(blobs, plan.documents),
        side_data=await blobs.put(plan.side_data.model_dump_json().encode()),
    )
    body = Seeded(
        source=source.origin,
        categories={
            name: _seeded_category(
                source.categories[name],
                source.origin_of(name),
                records=plan.record_counts[name],
                rejected=len(item.rejected),
            )
            for name, item in plan.imported.items()
        },
        touched=plan.touched,
        left=tuple(name for name in SEED_FILES if name in present.documents and name not in plan.imported),
    )
    return Draft(actor=actor, kind="seeded", body=body, catalogue=catalogue)


def _seeded_category(
    files: Mapping[str, bytes], origin: FileOrigin | None, *, records: int, rejected: int
) -> SeededCategory:
    return SeededCategory(
        records=records,
        rejected=rejected,
        files={name: hashlib.sha256(body).hexdigest() for name, body in sorted(files.items())},
        repository=origin.repository if origin else None,
        branch=origin.branch if origin else None,
        commit=origin.commit if origin else None,
    )

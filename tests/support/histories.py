"""Builders for histories: a journal in memory, revision after revision."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from horde_model_reference.documents import CategoryDocuments
from horde_model_reference.v2_format import render_v2
from read_api.archive import READ_TIMEOUT_SECONDS, Archive
from registry.blobs import Blobs
from registry.bodies import (
    Applied,
    AppliedChange,
    Decided,
    GroupDataChanged,
    Hidden,
    Proposed,
    ProposedChange,
    RolledBack,
    Seeded,
)
from registry.catalogue import CatalogueRef, SideData
from registry.documents import load_documents, store_documents
from registry.draft import Draft, make_entry
from registry.entries import Entry, entry_hash, entry_key, render_entry
from registry.entry_signature import EntrySigner, signed
from registry.fold import fold
from registry.history_state import Touched
from registry.journal import Journal
from registry.state import State
from registry.touched import touched_records
from service_kit.object_store import ObjectStore
from support.contents import SEED_TIME, Records, dict_of
from support.memory_store import MemoryObjectStore

PROPOSER, APPROVER = ("12", "Pat#12"), ("34", "Ash#34")


class Past:
    """A journal that grows by what a test says; `state` is its fold. One minute passes with each entry."""

    def __init__(self, store: ObjectStore | None = None, *, signer: EntrySigner | None = None) -> None:
        self.store = store or MemoryObjectStore()
        self._signer = signer
        self.blobs = Blobs(self.store)
        self.state = State()
        self._times = (SEED_TIME.astimezone(UTC) + timedelta(minutes=n) for n in itertools.count())

    def archive(self, *, read_timeout_seconds: float = READ_TIMEOUT_SECONDS) -> Archive:
        """Return an archive over this journal."""
        return Archive(
            Journal(self.store), self.blobs, lambda: self.state, read_timeout_seconds=read_timeout_seconds
        )

    async def seed(
        self,
        categories: Mapping[str, Records],
        *,
        legacy: Mapping[str, bytes] | None = None,
        side_data: SideData | None = None,
    ) -> int:
        """Make these records a revision, as seeding does; return its number."""
        ref, touched = await self._catalogue(categories, legacy or {}, side_data)
        body = Seeded(source="a test", categories={}, touched=touched)
        await self._append("seeded", body, ("seed", None), catalogue=ref)
        return self.state.revision

    async def apply(self, categories: Mapping[str, Records]) -> int:
        """Make these records a revision by changes that were proposed, approved and applied; return it."""
        ref, touched = await self._catalogue(categories, {}, None)
        first = self.state.queue.next_change_id
        await self._append("proposed", Proposed(changes=tuple(map(self._proposal, touched))), PROPOSER)
        ids = tuple(range(first, first + len(touched)))
        await self._append("decided", Decided(batch_title="Tidy up", approved_ids=ids), APPROVER)
        changes = tuple(
            AppliedChange(change_id=change_id, job_id=f"job-{change_id}", touched=one)
            for change_id, one in zip(ids, touched, strict=True)
        )
        await self._append("applied", Applied(changes=changes), APPROVER, catalogue=ref)
        return self.state.revision

    async def roll_back(self, revision: int, categories: Mapping[str, Records]) -> int:
        """Make these records, which are those of a former revision, the newest one; return it."""
        ref, touched = await self._catalogue(categories, {}, None)
        body = RolledBack(to_revision=revision, touched=touched)
        await self._append("rolled_back", body, APPROVER, catalogue=ref)
        return self.state.revision

    async def change_group_data(self, side_data: SideData) -> int:
        """Make a revision that changes no record; return it."""
        assert self.state.catalogue is not None
        digest = await self.blobs.put(side_data.model_dump_json().encode())
        ref = self.state.catalogue.model_copy(
            update={"revision": self.state.revision + 1, "side_data": digest}
        )
        await self._append(
            "group_data_changed", GroupDataChanged(store="aliases", name="x"), APPROVER, catalogue=ref
        )
        return self.state.revision

    async def hide(self, *change_ids: int) -> None:
        """Hide changes."""
        await self._append("hidden", Hidden(change_ids=change_ids), APPROVER)

    def _proposal(self, touched: Touched) -> ProposedChange:
        return ProposedChange(
            category=touched.category,
            model_name=touched.model_name,
            operation=touched.operation,
            form="v2",
            payload={},
            base_revision=self.state.revision,
        )

    async def _catalogue(
        self, categories: Mapping[str, Records], legacy: Mapping[str, bytes], side_data: SideData | None
    ) -> tuple[CatalogueRef, tuple[Touched, ...]]:
        documents = {
            name: CategoryDocuments(v2=render_v2(dict_of(records)), legacy=legacy.get(name))
            for name, records in categories.items()
        }
        before = await load_documents(self.blobs, self.state.catalogue)
        ref = CatalogueRef(
            revision=self.state.revision + 1,
            categories=await store_documents(self.blobs, documents),
            side_data=await self.blobs.put((side_data or SideData()).model_dump_json().encode()),
        )
        return ref, tuple(touched_records(before, documents))

    async def _append(
        self, kind: str, body: Any, who: tuple[str, str | None], catalogue: CatalogueRef | None = None
    ) -> Entry:
        actor, username = who
        entry = make_entry(
            Draft(actor=actor, username=username, kind=kind, body=body, catalogue=catalogue),
            sequence=self.state.sequence + 1,
            previous=self.state.head_hash,
            entry_id=f"entry-{self.state.sequence + 1}",
            now=next(self._times),
        )
        if self._signer is not None:
            entry = signed(entry, self._signer)
        raw = render_entry(entry)
        await self.store.create(entry_key(entry.sequence), raw)
        self.state = fold(self.state, entry, entry_hash(raw))
        return entry


def at(minute: int) -> datetime:
    """Return the time of an entry: the first is at minute 0."""
    return SEED_TIME + timedelta(minutes=minute)

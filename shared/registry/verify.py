"""Verification: every entry, link and hash of a journal, read anew."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from registry.blobs import Blobs
from registry.catalogue import CatalogueRef
from registry.checkpoints import Checkpoints
from registry.entries import FIRST_PREVIOUS, Entry, entry_sequence
from registry.errors import JournalError
from registry.journal import Journal
from registry.loading import load_side_data
from service_kit.errors import ObjectMissing
from service_kit.object_store import ObjectStore


@dataclass(slots=True)
class Verification:
    """What was checked, and every problem found, in the order of the journal."""

    entries: int = 0
    revisions: int = 0
    blobs: int = 0
    checkpoints: int = 0
    problems: list[str] = field(default_factory=list)


async def verify(store: ObjectStore) -> Verification:
    """Read the whole journal and everything it names. Raises `StoreUnavailable` only."""
    return await _Verifier(store).run()


class _Verifier:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._journal = Journal(store)
        self._blobs = Blobs(store)
        self._result = Verification()
        self._seen: set[str] = set()
        self._previous_sequence = 0
        self._previous_hash: str | None = FIRST_PREVIOUS  # None: that entry could not be read
        self._revision = 0

    async def run(self) -> Verification:
        async for sequence in self._sequences():
            await self._verify_entry(sequence)
        await self._verify_checkpoints()
        return self._result

    async def _sequences(self) -> AsyncIterator[int]:
        after = ""
        while keys := await self._store.list_after("journal/", after):
            for key in keys:
                try:
                    yield entry_sequence(key)
                except JournalError as error:
                    self._result.problems.append(str(error))
            after = keys[-1]

    async def _verify_entry(self, sequence: int) -> None:
        self._result.entries += 1
        for missing in range(self._previous_sequence + 1, sequence):
            self._result.problems.append(f"entry {missing} is missing")
            self._previous_hash = None
        self._previous_sequence = sequence
        try:
            entry, digest = await self._journal.read(sequence)
        except (JournalError, ObjectMissing) as error:
            self._result.problems.append(str(error))
            self._previous_hash = None
            return
        self._verify_link(entry)
        self._previous_hash = digest
        if entry.catalogue is not None:
            await self._verify_catalogue(sequence, entry.catalogue)

    def _verify_link(self, entry: Entry) -> None:
        if self._previous_hash is not None and entry.previous != self._previous_hash:
            self._result.problems.append(
                f"entry {entry.sequence} does not continue entry {entry.sequence - 1}: the chain breaks here"
            )

    async def _verify_catalogue(self, sequence: int, catalogue: CatalogueRef) -> None:
        self._result.revisions += 1
        if catalogue.revision != self._revision + 1:
            self._result.problems.append(
                f"entry {sequence} makes revision {catalogue.revision} after {self._revision}"
            )
        self._revision = catalogue.revision
        named = {
            (f"{name} {part}", digest)
            for name, refs in catalogue.categories.items()
            for part, digest in refs.model_dump(exclude_none=True).items()
        }
        fresh = [(label, digest) for label, digest in sorted(named) if digest not in self._seen]
        self._seen.update(digest for _, digest in fresh)
        await asyncio.gather(*(self._verify_blob(sequence, label, digest) for label, digest in fresh))
        await self._verify_side_data(sequence, catalogue.side_data)

    async def _verify_blob(self, sequence: int, label: str, digest: str) -> None:
        self._result.blobs += 1
        try:
            await self._blobs.get(digest)
        except JournalError as error:
            self._result.problems.append(f"entry {sequence}, {label}: {error}")

    async def _verify_side_data(self, sequence: int, digest: str) -> None:
        if digest in self._seen:
            return
        self._seen.add(digest)
        self._result.blobs += 1
        try:
            await load_side_data(self._blobs, digest)
        except JournalError as error:
            self._result.problems.append(f"entry {sequence}, side data: {error}")

    async def _verify_checkpoints(self) -> None:
        checkpoints = Checkpoints(self._store, self._journal)
        for key in await checkpoints.keys():
            self._result.checkpoints += 1
            if await checkpoints.usable(key) is None:
                self._result.problems.append(f"{key} does not fit the journal (it may be deleted)")

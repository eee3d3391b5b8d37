"""Verification: every entry, link, hash and signature of a journal, read anew and folded anew."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Final

from registry.blobs import Blobs
from registry.catalogue import CatalogueRef
from registry.checkpoints import CheckpointOutdated, Checkpoints, checkpoint_key, state_digest
from registry.entries import FIRST_PREVIOUS, Entry, entry_hash, entry_key, entry_sequence, parse_entry
from registry.entry_signature import PublicKey
from registry.errors import JournalError
from registry.fold import fold
from registry.journal import Journal
from registry.kinds import BODY_TYPES
from registry.loading import load_side_data
from registry.signature_check import SignatureCheck
from registry.state import State
from service_kit.errors import ObjectMissing
from service_kit.object_store import ObjectStore

READ_AT_ONCE: Final = 16  # entries; more would only need more memory


@dataclass(slots=True)
class Verification:
    """What was checked, and every problem found, in the order of the journal.

    `signed` entries were checked only if `signatures_checked`; `outdated_checkpoints` never were.
    """

    entries: int = 0
    revisions: int = 0
    blobs: int = 0
    checkpoints: int = 0
    outdated_checkpoints: int = 0
    signed: int = 0
    signatures_checked: bool = False
    problems: list[str] = field(default_factory=list)


async def verify(store: ObjectStore, public_keys: Iterable[PublicKey] = ()) -> Verification:
    """Read the whole journal and everything it names; keeps one state and a few entries in memory.

    With public keys every catalogue entry from the first signed one on must carry a valid signature of one of
    them. Raises `StoreUnavailable` only.
    """
    return await _Verifier(store, public_keys).run()


class _Verifier:
    def __init__(self, store: ObjectStore, public_keys: Iterable[PublicKey]) -> None:
        self._store = store
        self._blobs = Blobs(store)
        self._checkpoints = Checkpoints(store, Journal(store))
        self._signatures = SignatureCheck(public_keys)
        self._result = Verification(signatures_checked=self._signatures.has_keys)
        self._seen: set[str] = set()
        self._previous_sequence = 0
        self._previous_hash: str | None = FIRST_PREVIOUS  # None: that entry could not be read
        self._revision = 0
        self._state: State | None = State()  # None: an entry before could not be folded

    async def run(self) -> Verification:
        waiting = set(await self._checkpoints.keys())
        async for sequence, raw in self._entries():
            await self._verify_entry(sequence, raw)
            if (key := checkpoint_key(sequence)) in waiting:
                waiting.remove(key)
                await self._verify_checkpoint(key)
        self._state = None
        for key in sorted(waiting):
            await self._verify_checkpoint(key)
        self._note(self._signatures.final_problem())
        self._result.signed = self._signatures.signed
        return self._result

    async def _entries(self) -> AsyncIterator[tuple[int, bytes | None]]:
        """Yield the sequences and bytes of all entries, in order; None for one that is gone."""
        after = ""
        while keys := await self._store.list_after("journal/", after, limit=READ_AT_ONCE):
            sequences = [sequence for key in keys if (sequence := self._sequence(key))]
            bodies = await asyncio.gather(*(self._raw(sequence) for sequence in sequences))
            for item in zip(sequences, bodies, strict=True):
                yield item
            after = keys[-1]

    def _sequence(self, key: str) -> int | None:
        try:
            return entry_sequence(key)
        except JournalError as error:
            self._note(str(error))
            return None

    async def _raw(self, sequence: int) -> bytes | None:
        try:
            return await self._store.get(entry_key(sequence))
        except ObjectMissing:
            return None

    async def _verify_entry(self, sequence: int, raw: bytes | None) -> None:
        self._result.entries += 1
        for missing in range(self._previous_sequence + 1, sequence):
            self._note(f"entry {missing} is missing")
            self._previous_hash = self._state = None
        self._previous_sequence = sequence
        entry = self._parsed(sequence, raw)
        if entry is None or raw is None:
            self._previous_hash = self._state = None
            return
        known_problems = len(self._result.problems)
        self._verify_link(entry)
        self._note(self._signatures.problem(entry, raw))
        if entry.catalogue is not None:
            await self._verify_catalogue(sequence, entry.catalogue)
        self._previous_hash = entry_hash(raw)
        self._fold(entry, self._previous_hash, explained=len(self._result.problems) > known_problems)

    def _parsed(self, sequence: int, raw: bytes | None) -> Entry | None:
        if raw is None:
            self._note(f"entry {sequence} was listed, but is not there")
            return None
        try:
            return parse_entry(raw, sequence, BODY_TYPES)
        except JournalError as error:
            self._note(str(error))
            return None

    def _verify_link(self, entry: Entry) -> None:
        if self._previous_hash is not None and entry.previous != self._previous_hash:
            self._note(
                f"entry {entry.sequence} does not continue entry {entry.sequence - 1}: the chain breaks here"
            )

    def _fold(self, entry: Entry, digest: str, *, explained: bool) -> None:
        """Fold the entry; why it cannot be is a problem of its own unless there is another that tells."""
        if self._state is None:
            return
        try:
            self._state = fold(self._state, entry, digest)
        except JournalError as error:
            self._state = None
            if not explained:
                self._note(str(error))

    async def _verify_catalogue(self, sequence: int, catalogue: CatalogueRef) -> None:
        self._result.revisions += 1
        if catalogue.revision != self._revision + 1:
            self._note(f"entry {sequence} makes revision {catalogue.revision} after {self._revision}")
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
            self._note(f"entry {sequence}, {label}: {error}")

    async def _verify_side_data(self, sequence: int, digest: str) -> None:
        if digest in self._seen:
            return
        self._seen.add(digest)
        self._result.blobs += 1
        try:
            await load_side_data(self._blobs, digest)
        except JournalError as error:
            self._note(f"entry {sequence}, side data: {error}")

    async def _verify_checkpoint(self, key: str) -> None:
        """Compare a checkpoint with the fold up to its entry, or where that is not known with the entry."""
        try:
            kept = await self._checkpoints.read(key)
        except ObjectMissing:
            return  # a service has replaced it by a newer one meanwhile
        except CheckpointOutdated:
            self._result.outdated_checkpoints += 1
            return
        except JournalError as error:
            self._result.checkpoints += 1
            self._note(f"{key} does not fit the journal (it may be deleted): {error}")
            return
        self._result.checkpoints += 1
        if self._state is not None and not await asyncio.to_thread(_are_same, kept, self._state):
            self._note(
                f"{key} does not fit the journal (it may be deleted): its state is not what the fold gives"
            )

    def _note(self, problem: str | None) -> None:
        if problem is not None:
            self._result.problems.append(problem)


def _are_same(one: State, other: State) -> bool:
    return state_digest(one) == state_digest(other)

"""The journal: reading on from a state, and appending what is valid on top of it (architecture section 2)."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from registry.draft import Draft, answered, make_entry
from registry.entries import (
    Entry,
    entry_hash,
    entry_key,
    entry_sequence,
    parse_entry,
    render_entry,
)
from registry.entry_signature import EntrySigner, signed
from registry.errors import ChainBroken, JournalContended
from registry.fold import fold
from registry.kinds import BODY_TYPES
from registry.state import State
from service_kit.errors import ObjectExists, ObjectMissing, StoreUnavailable
from service_kit.object_store import ObjectStore

Decide = Callable[[State], Awaitable[Draft | None]]
"""Validates against the state and returns what to append, None for nothing; raises to refuse."""

MAX_WINDOW: Final = 32  # entries read at once when far behind
WINDOW_GROWTH: Final = 3  # a change is proposed, decided, applied: that many entries make a revision
APPEND_ATTEMPTS: Final = 40
CREATE_ATTEMPTS: Final = 4
FIRST_DELAY_SECONDS: Final = 0.02
MAX_DELAY_SECONDS: Final = 0.3
UNKNOWN_HASH: Final = "f" * 64
"""Of an entry whose answer is still to be made: the state after it is only looked at, not kept."""


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)


def random_entry_id() -> str:
    """Return an id that no other entry has."""
    return uuid.uuid4().hex


class Journal:
    """One journal in an object store. Within a process share one instance: its lock orders the appends.

    With a signer the entries that make a revision are signed.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        clock: Callable[[], datetime] = utc_now,
        new_entry_id: Callable[[], str] = random_entry_id,
        signer: EntrySigner | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_entry_id = new_entry_id
        self._signer = signer
        self._lock = asyncio.Lock()

    def now(self) -> datetime:
        """Return the time by the journal's clock."""
        return self._clock()

    async def read(self, sequence: int) -> tuple[Entry, str]:
        """Return an entry and the hash of its bytes.

        Raises `ObjectMissing`, `EntryCorrupt`, `JournalTooNew`, `StoreUnavailable`.
        """
        entry, raw = await self.read_stored(sequence)
        return entry, entry_hash(raw)

    async def read_stored(self, sequence: int) -> tuple[Entry, bytes]:
        """Return an entry and the bytes that are stored. Raises what `read` does."""
        raw = await self._store.get(entry_key(sequence))
        return parse_entry(raw, sequence, BODY_TYPES), raw

    async def catch_up(self, state: State, *, on_progress: Callable[[], None] = lambda: None) -> State:
        """Fold everything after `state`: one small read when nothing is new, several at once else.

        `on_progress` is called after every reading. Raises `ChainBroken`, `EntryCorrupt`, `JournalTooNew`,
        `StoreUnavailable`.
        """
        window = 1
        while True:
            wanted = range(state.sequence + 1, state.sequence + 1 + window)
            found = await asyncio.gather(*(self._find(sequence) for sequence in wanted))
            on_progress()
            for sequence, item in zip(wanted, found, strict=True):
                if item is None:
                    if any(later is not None for later in found[sequence - wanted.start :]):
                        # a reader may overtake a writer between two reads of one window: look again
                        state = await self._step_over(state, sequence)
                        break
                    return state
                state = fold(state, *item)
            window = min(window * WINDOW_GROWTH, MAX_WINDOW)

    async def require_whole(self, state: State, *, on_progress: Callable[[], None] = lambda: None) -> State:
        """Catch up and make sure, by a listing, that no entry beyond the head is cut off by a missing one.

        Raises what `catch_up` raises.
        """
        while True:
            state = await self.catch_up(state, on_progress=on_progress)
            beyond = await self._store.list_after("journal/", entry_key(state.sequence), limit=1)
            if not beyond:
                return state
            state = await self._step_over(state, state.sequence + 1, later=entry_sequence(beyond[0]))

    async def append(self, state: State, decide: Decide) -> State:
        """Append what `decide` makes of the newest state, and return the state after it.

        When another writer was first, everything is decided anew on top of its entry. An answer that
        got lost is read back, so the entry is written exactly once. Raises what `decide` raises,
        `JournalContended`, `StoreUnavailable` (then the entry may or may not be there).
        """
        async with self._lock:
            for attempt in range(APPEND_ATTEMPTS):
                state = await self.catch_up(state)
                draft = await decide(state)
                if draft is None:
                    return state
                entry = self._complete(draft, state)
                raw = render_entry(entry)
                after = fold(state, entry, entry_hash(raw))  # first: what cannot be folded is not written
                if await self._create(entry_key(entry.sequence), raw):
                    return after
                await _pause(attempt)
        raise JournalContended("too many writers at once, nothing was changed; try again")

    def _complete(self, draft: Draft, state: State) -> Entry:
        entry = make_entry(
            draft,
            sequence=state.sequence + 1,
            previous=state.head_hash,
            entry_id=self._new_entry_id(),
            now=self._clock(),
        )
        if draft.answer is not None:
            entry = answered(entry, draft.answer, fold(state, entry, UNKNOWN_HASH))
        return entry if self._signer is None else signed(entry, self._signer)

    async def _find(self, sequence: int) -> tuple[Entry, str] | None:
        try:
            return await self.read(sequence)
        except ObjectMissing:
            return None

    async def _step_over(self, state: State, sequence: int, *, later: int | None = None) -> State:
        item = await self._find(sequence)
        if item is None:
            raise ChainBroken(f"journal entry {sequence} is missing although {later or 'a later one'} exists")
        return fold(state, *item)

    async def _create(self, key: str, raw: bytes) -> bool:
        """Return whether the entry under the key is ours; the random entry id makes equal bytes ours."""
        for attempt in range(CREATE_ATTEMPTS):
            try:
                return await self._create_once(key, raw)
            except StoreUnavailable:
                if attempt == CREATE_ATTEMPTS - 1:
                    raise
                await _pause(attempt)
        return False

    async def _create_once(self, key: str, raw: bytes) -> bool:
        try:
            await self._store.create(key, raw)
        except ObjectExists:
            return await self._store.get(key) == raw
        return True


async def _pause(attempt: int) -> None:
    ceiling = min(FIRST_DELAY_SECONDS * 2.0**attempt, MAX_DELAY_SECONDS)
    await asyncio.sleep(random.uniform(0, ceiling))  # noqa: S311 - jitter, no secret

"""A backup holds what was there when it began, whatever others write meanwhile."""

import asyncio
import io

import pytest

from registry.backup import BackupRefused, back_up, begin
from registry.blobs import Blobs, blob_key
from registry.checkpoints import checkpoint_key
from registry.entries import entry_key
from registry.errors import ChainBroken
from registry.journal import Journal
from registry.state import State
from registry.verify import verify
from support.backups import HISTORY_FOLDERS, NOON, a_backup, brought_back, read_backup
from support.faulty_store import FaultyStore
from support.journals import a_journal, next_revision
from support.memory_store import MemoryObjectStore

HOUR = "stats/hourly/clip/2026050411.json.gz"
DAY = "stats/daily/clip/20260504.json.gz"


@pytest.mark.parametrize("packed", [False, True])
async def test_backup_holds_journal_blobs_and_history_and_nothing_that_can_be_made_anew(
    packed: bool,
) -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=3)
    store.objects |= {HOUR: b"an hour", DAY: b"a day"}
    wanted = dict(store.objects)
    store.objects |= {checkpoint_key(256): b"x", "probes/1": b"x", "restore/000000000009.json": b"x"}
    await Blobs(store).put(b"of a writer that was killed before its entry")
    head, members = await asyncio.to_thread(read_backup, await a_backup(store, packed=packed))
    assert dict(members) == wanted
    assert (head.sequence, head.revision, head.created_at, head.software) == (3, 3, NOON, "1.2.3")


class BusyStore(FaultyStore):
    """While one reads it, another writes: before each of the first operations a revision appears."""

    def __init__(self, inner: MemoryObjectStore, journal: Journal, state: State) -> None:
        super().__init__(inner)
        self.writes = 0
        self.journal = journal
        self.state = state

    async def get(self, key: str) -> bytes:
        if self.writes > 0:
            self.writes -= 1
            self.state = await self.journal.append(self.state, next_revision(Blobs(self.inner)))
        return await super().get(key)


async def test_backup_beside_a_writer_is_whole_and_ends_where_it_began() -> None:
    inner = MemoryObjectStore()
    journal, _, state = await a_journal(inner, revisions=4)
    busy = BusyStore(inner, journal, state)
    head = await begin(busy, now=NOON, software="1")
    busy.writes = 8
    output = io.BytesIO()
    await back_up(busy, head, output)
    assert (head.sequence, busy.state.sequence) == (4, 12)
    fresh = MemoryObjectStore()
    await brought_back(fresh, output.getvalue())
    result = await verify(fresh)
    assert (result.problems, result.entries) == ([], 4)
    assert all(inner.objects[key] == body for key, body in fresh.objects.items())


class CompactingStore(FaultyStore):
    """While the hours are read, they go into the object of their day."""

    def __init__(self, inner: MemoryObjectStore) -> None:
        super().__init__(inner)
        self.memory = inner

    async def get(self, key: str) -> bytes:
        if key == HOUR:
            self.memory.objects[DAY] = b"a day"
            del self.memory.objects[HOUR]
        return await super().get(key)


async def test_hour_that_goes_into_its_day_meanwhile_is_found_there() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=1)
    store.objects[HOUR] = b"an hour"
    _, members = await asyncio.to_thread(read_backup, await a_backup(CompactingStore(store)))
    assert {member.key for member in members if member.key.startswith("stats/")} == {DAY}


async def test_folder_of_anything_else_is_not_taken_for_history() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=1)
    with pytest.raises(ValueError, match="checkpoints"):
        await a_backup(store, folders=["checkpoints/"])


async def test_empty_journal_is_refused() -> None:
    with pytest.raises(BackupRefused, match="the journal is empty"):
        await a_backup(MemoryObjectStore())


async def test_gap_in_the_journal_is_refused() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=3)
    del store.objects[entry_key(2)]
    with pytest.raises(ChainBroken, match="entry 2 is missing"):
        await a_backup(store)


async def test_missing_blob_is_refused_and_named() -> None:
    store = MemoryObjectStore()
    _, _, state = await a_journal(store, revisions=2)
    assert state.catalogue is not None
    key = blob_key(state.catalogue.categories["clip"].v2)
    del store.objects[key]
    with pytest.raises(BackupRefused, match=key):
        await a_backup(store)


async def test_damaged_blob_is_refused_and_named() -> None:
    store = MemoryObjectStore()
    _, _, state = await a_journal(store, revisions=2)
    assert state.catalogue is not None
    key = blob_key(state.catalogue.categories["clip"].v2)
    store.objects[key] = b"other"
    with pytest.raises(BackupRefused, match=f"'{key}' holds bytes that hash to"):
        await a_backup(store)


async def test_what_is_more_than_one_batch_is_all_there() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=19)
    store.objects |= {f"{HISTORY_FOLDERS[0]}{number:010d}.json.gz": b"%d" % number for number in range(1030)}
    _, members = await asyncio.to_thread(read_backup, await a_backup(store))
    assert dict(members) == store.objects

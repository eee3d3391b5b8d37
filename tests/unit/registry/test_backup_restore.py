"""A restore brings back all of a backup or nothing that counts, wherever it is killed."""

from collections.abc import Awaitable, Callable

import pytest

from registry.backup_archive import ArchiveDamaged
from registry.backup_restore import RestoreRefused, restore
from registry.blobs import Blobs
from registry.checkpoints import Checkpoints, checkpoint_key
from registry.entries import entry_key
from registry.errors import ChainBroken, JournalError, RestoreUnfinished
from registry.journal import Journal
from registry.state import State
from registry.verify import verify
from service_kit.errors import StoreUnavailable
from service_kit.object_store import ObjectStore
from support.backups import a_backup, brought_back, open_backup
from support.faulty_store import Crashed, FaultyStore, Moment, T
from support.journals import a_draft, a_journal, always, next_revision
from support.memory_store import MemoryObjectStore

HOUR = "stats/hourly/clip/2026050411.json.gz"


async def a_store(revisions: int) -> MemoryObjectStore:
    store = MemoryObjectStore()
    await a_journal(store, revisions=revisions)
    return store


async def test_restored_store_is_what_was_backed_up() -> None:
    source = await a_store(3)
    source.objects[HOUR] = b"an hour"
    fresh = MemoryObjectStore()
    head = await brought_back(fresh, await a_backup(source))
    assert fresh.objects == source.objects
    assert (head.sequence, (await verify(fresh)).problems) == (3, [])


async def test_restored_journal_can_be_continued() -> None:
    fresh = MemoryObjectStore()
    await brought_back(fresh, await a_backup(await a_store(3)))
    journal = Journal(fresh)
    state = await journal.append(await journal.require_whole(State()), always(a_draft()))
    assert (state.sequence, (await verify(fresh)).problems) == (4, [])


async def test_store_with_a_journal_is_refused_and_left_alone() -> None:
    archive, store = await a_backup(await a_store(2)), await a_store(3)
    before = dict(store.objects)
    with pytest.raises(RestoreRefused, match="is not empty: it has 3 journal entries"):
        await brought_back(store, archive)
    assert store.objects == before


@pytest.mark.parametrize(("old", "new"), [(3, 5), (5, 3), (4, 4), (1, 1), (1, 12), (12, 1)])
async def test_journal_is_replaced_when_that_is_asked_for(old: int, new: int) -> None:
    source, store = await a_store(new), await a_store(old)
    orphans = {key: body for key, body in store.objects.items() if key.startswith("blobs/")}
    store.objects[checkpoint_key(256)] = b"of the old journal"
    await brought_back(store, await a_backup(source), replace=True)
    assert store.objects == orphans | source.objects
    assert (await verify(store)).problems == []


async def test_stray_object_in_a_journal_goes_when_it_is_replaced() -> None:
    source, store = await a_store(1), MemoryObjectStore()
    store.objects["journal/readme.txt"] = b"?"
    with pytest.raises(RestoreRefused, match="not empty"):
        await brought_back(store, await a_backup(source))
    await brought_back(store, await a_backup(source), replace=True)
    assert store.objects == source.objects


async def test_history_that_is_there_stays_and_what_is_missing_is_added() -> None:
    source = await a_store(1)
    later = "stats/hourly/clip/2026050412.json.gz"
    source.objects |= {HOUR: b"as backed up", later: b"an hour"}
    store = MemoryObjectStore()
    store.objects[HOUR] = b"as counted"
    await brought_back(store, await a_backup(source))
    assert (store.objects[HOUR], store.objects[later]) == (b"as counted", b"an hour")


async def test_damaged_blob_is_repaired() -> None:
    source = await a_store(2)
    archive = await a_backup(source)
    key = next(key for key in source.objects if key.startswith("blobs/"))
    whole = dict(source.objects)
    source.objects[key] = b"damage"
    await brought_back(source, archive, replace=True)
    assert source.objects == whole


@pytest.mark.parametrize("place", ["journal/", "blobs/", "stats/"])
async def test_damaged_archive_changes_nothing_that_counts(place: str) -> None:
    source = await a_store(2)
    source.objects[HOUR] = b"an hour"
    archive = await a_backup(source)
    key = max(key for key in source.objects if key.startswith(place))
    damaged = archive.replace(source.objects[key], source.objects[key][:-1] + b"?")
    empty, full = MemoryObjectStore(), await a_store(3)
    journal = {key: body for key, body in full.objects.items() if key.startswith("journal/")}
    with pytest.raises(ArchiveDamaged, match="is not what was backed up"):
        await brought_back(empty, damaged)
    with pytest.raises(ArchiveDamaged, match="is not what was backed up"):
        await brought_back(full, damaged, replace=True)
    assert not any(key.startswith(("journal/", "restore/")) for key in empty.objects)
    assert journal.items() <= full.objects.items()
    assert (await verify(full)).problems == []
    await brought_back(empty, archive)
    await brought_back(full, archive, replace=True)
    assert empty.objects == source.objects
    assert source.objects.items() <= full.objects.items()


async def head_of(store: ObjectStore) -> State | None:
    """Return what a process would serve that starts now; None if it serves nothing."""
    journal = Journal(store)
    try:
        return await journal.require_whole(await Checkpoints(store, journal).newest())
    except JournalError:
        return None


async def nothing(_: MemoryObjectStore) -> MemoryObjectStore:
    return MemoryObjectStore()


async def a_shorter_one(_: MemoryObjectStore) -> MemoryObjectStore:
    return await a_store(2)


async def a_longer_one(_: MemoryObjectStore) -> MemoryObjectStore:
    return await a_store(5)


async def its_own_past(source: MemoryObjectStore) -> MemoryObjectStore:
    store = MemoryObjectStore()
    store.objects = {key: body for key, body in source.objects.items() if key != entry_key(3)}
    return store


async def its_own_future(source: MemoryObjectStore) -> MemoryObjectStore:
    store = MemoryObjectStore()
    store.objects = dict(source.objects)
    journal, state = Journal(store), await head_of(store)
    assert state is not None
    await journal.append(state, always(a_draft()))
    return store


MakeOld = Callable[[MemoryObjectStore], Awaitable[MemoryObjectStore]]
OLD: list[MakeOld] = [nothing, a_shorter_one, a_longer_one, its_own_past, its_own_future]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("make_old", OLD)
async def test_killed_anywhere_it_leaves_the_old_or_nothing_to_serve_and_can_be_repeated(
    make_old: MakeOld, moment: Moment
) -> None:
    source = await a_store(3)
    archive = await a_backup(source)
    at, seen = 0, set()
    while True:
        at += 1
        store = await make_old(source)
        old = await head_of(store)
        dying = FaultyStore(store, at=at, moment=moment, crash=True)
        try:
            await restore(dying, await open_backup(archive), replace=True)
        except Crashed:
            pass
        else:
            break
        left = await head_of(store)
        new = entry_key(3) in store.objects and left is not None and left.head_hash != (old and old.head_hash)
        seen.add("refused" if left is None else "new" if new else "old")
        if left is not None and not new:
            assert left.head_hash == (old and old.head_hash)
        await brought_back(store, archive, replace=left is not None)
        assert source.objects.items() <= store.objects.items()
        assert (await verify(store)).problems == []
    assert at > 15
    assert {"refused", "old"} <= seen


@pytest.mark.parametrize("at", range(1, 30, 3))
async def test_follower_of_an_empty_journal_never_sees_a_part(at: int) -> None:
    archive, store = await a_backup(await a_store(4)), MemoryObjectStore()
    with pytest.raises(Crashed):
        await restore(FaultyStore(store, at=at, crash=True), await open_backup(archive))
    try:
        state = await Journal(store).catch_up(State())
    except RestoreUnfinished:
        return
    assert state.sequence in {0, 4}


async def killed_restore(store: ObjectStore, archive: bytes, at: int) -> None:
    with pytest.raises(Crashed):
        await restore(FaultyStore(store, at=at, crash=True), await open_backup(archive))


async def test_empty_store_whose_restore_was_killed_says_so() -> None:
    archive, store = await a_backup(await a_store(2)), MemoryObjectStore()
    await killed_restore(store, archive, at=6)
    with pytest.raises((RestoreUnfinished, ChainBroken)):
        await Journal(store).require_whole(State())
    assert any("a restore into this store was begun" in text for text in (await verify(store)).problems)


async def test_damaged_archive_leaves_the_guard_of_a_killed_exchange() -> None:
    source, store = await a_store(3), await a_store(1)
    archive = await a_backup(source)
    at = 0
    while any(key.startswith("journal/") and key != entry_key(4) for key in store.objects):
        at, store = at + 1, await a_store(1)
        with pytest.raises(Crashed):
            await restore(FaultyStore(store, at=at, crash=True), await open_backup(archive), replace=True)
    key = max(key for key in source.objects if key.startswith("blobs/"))
    damaged = archive.replace(source.objects[key], source.objects[key][:-1] + b"?")
    with pytest.raises(ArchiveDamaged):
        await brought_back(store, damaged)
    with pytest.raises((RestoreUnfinished, ChainBroken)):  # or somebody would begin another catalogue
        await Journal(store).require_whole(State())
    await brought_back(store, archive)
    assert (await verify(store)).problems == []


async def test_rest_of_another_restore_is_replaced_only_when_asked_for() -> None:
    other, source, store = await a_backup(await a_store(7)), await a_store(2), MemoryObjectStore()
    await killed_restore(store, other, at=6)
    archive = await a_backup(source)
    with pytest.raises(RestoreRefused, match="the rest of another restore"):
        await brought_back(store, archive)
    await brought_back(store, archive, replace=True)
    assert source.objects.items() <= store.objects.items()
    assert [key for key in store.objects if key.startswith("restore/")] == []
    assert (await verify(store)).problems == []


async def test_store_that_fails_leaves_an_empty_store_usable() -> None:
    archive, store = await a_backup(await a_store(2)), MemoryObjectStore()
    with pytest.raises(StoreUnavailable):
        await restore(FaultyStore(store, at=5), await open_backup(archive))
    assert [key for key in store.objects if key.startswith(("journal/", "restore/"))] == []


class RivalStore(FaultyStore):
    """Before operation number `at` somebody else writes the first entry."""

    def begin(self) -> None:
        assert isinstance(self.inner, MemoryObjectStore)
        if self.operations == self.at - 1:
            self.inner.objects.setdefault(entry_key(1), b"{}")

    async def _run(self, operation: Callable[[], Awaitable[T]]) -> T:
        self.begin()
        self.operations += 1
        return await operation()


async def test_somebody_who_fills_the_store_meanwhile_is_noticed() -> None:
    archive, store = await a_backup(await a_store(2)), MemoryObjectStore()
    with pytest.raises(RestoreRefused, match=r"somebody else wrote journal/000000000001\.json"):
        await restore(RivalStore(store, at=8), await open_backup(archive))


async def test_writer_at_the_end_of_the_old_journal_is_held_up() -> None:
    archive, store = await a_backup(await a_store(2)), await a_store(4)
    journal = Journal(store)
    state = await journal.require_whole(State())
    dying = FaultyStore(store, at=18, crash=True)
    with pytest.raises(Crashed):
        await restore(dying, await open_backup(archive), replace=True)
    assert entry_key(5) in store.objects
    with pytest.raises(RestoreUnfinished, match="run it again"):
        await journal.append(state, next_revision(Blobs(store)))

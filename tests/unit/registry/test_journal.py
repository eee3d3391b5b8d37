"""Appending and catching up, over a store that behaves and one that does not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from registry.blobs import Blobs
from registry.draft import Draft
from registry.entries import entry_key
from registry.errors import ChainBroken, EntryCorrupt, JournalContended, JournalTooNew
from registry.journal import CREATE_ATTEMPTS, Journal
from registry.state import State
from service_kit.errors import ObjectMissing, RequestRefused, StoreUnavailable
from support.faulty_store import FaultyStore, Moment, T
from support.journals import a_catalogue, a_draft, a_journal, always, next_revision
from support.memory_store import MemoryObjectStore


async def test_empty_journal_folds_to_the_empty_state() -> None:
    journal, _, _ = await a_journal(MemoryObjectStore())
    assert await journal.catch_up(State()) == State()


async def test_append_returns_the_state_that_catching_up_gives() -> None:
    journal, _, state = await a_journal(MemoryObjectStore(), revisions=3)
    assert state.sequence == state.revision == 3
    assert await journal.catch_up(State()) == state


async def test_catch_up_over_many_windows_reads_every_entry() -> None:
    store = MemoryObjectStore()
    _, _, state = await a_journal(store, revisions=90)
    assert await Journal(store).catch_up(State()) == state


async def test_entry_without_catalogue_keeps_the_revision() -> None:
    journal, _, state = await a_journal(MemoryObjectStore(), revisions=1)
    after = await journal.append(state, always(a_draft()))
    assert (after.sequence, after.revision, after.catalogue_sequence) == (2, 1, 1)


async def test_deciding_for_nothing_appends_nothing() -> None:
    store = MemoryObjectStore()
    journal, _, state = await a_journal(store, revisions=1)
    assert await journal.append(state, always(None)) == state
    assert entry_key(2) not in store.objects


async def test_refusal_is_raised_and_appends_nothing() -> None:
    store = MemoryObjectStore()
    journal, _, state = await a_journal(store, revisions=1)

    async def refuse(_: State) -> Draft | None:
        raise RequestRefused("no")

    with pytest.raises(RequestRefused):
        await journal.append(state, refuse)
    assert entry_key(2) not in store.objects


async def test_racing_writers_all_land_and_decide_on_what_they_follow() -> None:
    store = MemoryObjectStore()
    writers = [Journal(store) for _ in range(6)]
    blobs = Blobs(store)
    await asyncio.gather(
        *(writer.append(State(), next_revision(blobs, f"{n}")) for n, writer in enumerate(writers))
    )
    state = await Journal(store).catch_up(State())
    assert state.sequence == state.revision == 6


async def test_writer_that_always_loses_gives_up_without_an_entry() -> None:
    store = MemoryObjectStore()
    journal, blobs, state = await a_journal(store)
    other = Journal(store)
    wins = 0

    async def lose(current: State) -> Draft:
        nonlocal wins
        await other.append(current, next_revision(blobs))
        wins += 1
        return a_draft()

    with pytest.raises(JournalContended):
        await journal.append(state, lose)
    assert (await other.catch_up(State())).sequence == wins


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 7))
async def test_failing_operation_leaves_one_entry_or_none(at: int, moment: Moment) -> None:
    inner = MemoryObjectStore()
    store = FaultyStore(inner, at=at, moment=moment)
    journal, blobs = Journal(store), Blobs(store)
    try:
        state = await journal.append(State(), next_revision(blobs))
    except StoreUnavailable:
        assert not [key for key in inner.objects if key.startswith("journal/")]
    else:
        assert state == await Journal(inner).catch_up(State())
        assert state.sequence == 1


async def test_lost_answer_of_the_create_writes_the_entry_once() -> None:
    inner = MemoryObjectStore()
    _, blobs, state = await a_journal(inner)
    store = FaultyStore(inner, at=2, moment="after")  # 1: the look for the head, 2: the create
    after = await Journal(store).append(state, always(a_draft(await a_catalogue(blobs, 1))))
    assert after == await Journal(inner).catch_up(State())
    assert after.sequence == 1


async def test_store_that_stays_down_is_reported_after_bounded_attempts() -> None:
    store = FaultyStore(MemoryObjectStore())
    journal, blobs = Journal(store), Blobs(store)

    async def go_down(state: State) -> Draft:
        draft = await next_revision(blobs)(state)
        assert draft is not None
        store.down = True
        return draft

    with pytest.raises(StoreUnavailable):
        await journal.append(State(), go_down)
    assert store.operations <= 3 + CREATE_ATTEMPTS


async def test_missing_entry_with_a_later_one_breaks_the_chain() -> None:
    store = MemoryObjectStore()
    journal, _, _ = await a_journal(store, revisions=5)
    del store.objects[entry_key(3)]
    with pytest.raises(ChainBroken, match="entry 3 is missing"):
        await journal.require_whole(State())


async def test_foreign_entry_breaks_the_chain_and_is_named() -> None:
    store, other = MemoryObjectStore(), MemoryObjectStore()
    journal, _, _ = await a_journal(store, revisions=3)
    await a_journal(other, revisions=3)
    store.objects[entry_key(2)] = other.objects[entry_key(2)]
    with pytest.raises(ChainBroken, match="entry 2 does not continue entry 1"):
        await journal.catch_up(State())


@pytest.mark.parametrize("keep", [0, 1, 40])
async def test_truncated_entry_is_named(keep: int) -> None:
    store = MemoryObjectStore()
    journal, _, _ = await a_journal(store, revisions=2)
    store.objects[entry_key(2)] = store.objects[entry_key(2)][:keep]
    with pytest.raises(EntryCorrupt, match="entry 2"):
        await journal.catch_up(State())


@pytest.mark.parametrize("version", [2, 7])
async def test_newer_schema_version_asks_for_newer_software(version: int) -> None:
    store = MemoryObjectStore()
    journal, _, _ = await a_journal(store, revisions=1)
    newer = store.objects[entry_key(1)].replace(b'"schema_version":1', b'"schema_version":%d' % version, 1)
    store.objects[entry_key(1)] = newer
    with pytest.raises(JournalTooNew, match=rf"schema version {version}.*install a newer version"):
        await journal.catch_up(State())


async def test_unknown_kind_asks_for_newer_software() -> None:
    store = MemoryObjectStore()
    journal, _, _ = await a_journal(store, revisions=1)
    store.objects[entry_key(1)] = store.objects[entry_key(1)].replace(b'"seeded"', b'"sprouted"', 1)
    with pytest.raises(JournalTooNew, match="sprouted"):
        await journal.catch_up(State())


async def test_entry_under_a_wrong_key_is_refused() -> None:
    store = MemoryObjectStore()
    journal, _, _ = await a_journal(store, revisions=2)
    store.objects[entry_key(1)] = store.objects[entry_key(2)]
    with pytest.raises(EntryCorrupt, match="says that its sequence is 2"):
        await journal.catch_up(State())


async def test_skipped_revision_is_refused_before_it_is_written() -> None:
    store = MemoryObjectStore()
    journal, blobs, state = await a_journal(store, revisions=1)
    with pytest.raises(EntryCorrupt, match="revision 5 after 1"):
        await journal.append(state, always(a_draft(await a_catalogue(blobs, 5))))
    assert entry_key(2) not in store.objects


async def test_lost_answer_and_failing_read_back_is_still_told_as_success() -> None:
    inner = MemoryObjectStore()
    _, blobs, state = await a_journal(inner)
    draft = a_draft(await a_catalogue(blobs, 1))
    lost = FaultyStore(FaultyStore(inner, at=4), at=2, moment="after")  # the create, then its reading back
    after = await Journal(lost).append(state, always(draft))
    assert after == await Journal(inner).catch_up(State())
    assert after.sequence == 1


@pytest.mark.parametrize("at", range(1, 12))
async def test_append_cancelled_at_any_await_leaves_one_entry_or_none_and_the_lock_free(at: int) -> None:
    inner = MemoryObjectStore()
    store = PausingStore(inner)
    journal, blobs = Journal(store), Blobs(store)
    task = asyncio.create_task(journal.append(State(), next_revision(blobs, "cancelled")))
    for _ in range(at * 4):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    before = await Journal(inner).catch_up(State())
    assert before.sequence in {0, 1}
    async with asyncio.timeout(5):
        after = await journal.append(before, next_revision(blobs, "next"))
    assert after == await Journal(inner).catch_up(State())
    assert after.sequence == before.sequence + 1


class PausingStore(FaultyStore):
    """Gives way to other tasks before and after every operation."""

    async def _run(self, operation: Callable[[], Awaitable[T]]) -> T:
        await asyncio.sleep(0)
        result = await super()._run(operation)
        await asyncio.sleep(0)
        return result


async def test_appends_of_one_process_take_turns_instead_of_racing() -> None:
    store = PausingStore(MemoryObjectStore())
    attempts: list[str] = []

    def new_entry_id() -> str:
        attempts.append(f"entry {len(attempts)}")
        return attempts[-1]

    journal, blobs = Journal(store, new_entry_id=new_entry_id), Blobs(store)
    await asyncio.gather(*(journal.append(State(), next_revision(blobs)) for _ in range(5)))
    assert len(attempts) == (await journal.catch_up(State())).sequence == 5


class OvertakenStore(MemoryObjectStore):
    """Does not show one key at the first look: its writer was not done yet."""

    hidden = ""

    async def get(self, key: str) -> bytes:
        if key == self.hidden:
            self.hidden = ""
            raise ObjectMissing(key)
        return await super().get(key)


async def test_reader_that_overtakes_a_writer_within_a_window_looks_again() -> None:
    store = OvertakenStore()
    journal, _, state = await a_journal(store, revisions=5)
    store.hidden = entry_key(3)
    assert await journal.catch_up(State()) == state

"""The follower: new catalogues are handed on once, failures leave everything as it was."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from registry.blobs import Blobs, blob_key
from registry.checkpoints import Checkpoints
from registry.content import CatalogueContent
from registry.entries import entry_key
from registry.errors import BlobCorrupt, BlobMissing, ChainBroken, EntryCorrupt, JournalError, JournalTooNew
from registry.follower import MIN_PAUSE_SECONDS, Follower
from registry.journal import Journal
from service_kit.errors import StoreUnavailable
from service_kit.object_store import ObjectStore
from support.faulty_store import FaultyStore, T
from support.frozen_store import FrozenStore
from support.journals import a_draft, a_journal, always, next_revision
from support.memory_store import MemoryObjectStore


class Seen:
    """Collects what a follower hands on."""

    def __init__(self) -> None:
        self.contents: list[CatalogueContent | None] = []

    async def __call__(self, content: CatalogueContent | None) -> None:
        self.contents.append(content)

    @property
    def revisions(self) -> list[int]:
        return [content.revision if content else 0 for content in self.contents]


def a_follower(
    store: ObjectStore, seen: Seen, *, poll_seconds: float = 60.0, look_timeout_seconds: float = 30.0
) -> Follower:
    journal = Journal(store)
    return Follower(
        journal,
        Blobs(store),
        Checkpoints(store, journal),
        seen,
        poll_seconds=poll_seconds,
        look_timeout_seconds=look_timeout_seconds,
    )


@contextlib.asynccontextmanager
async def running(follower: Follower) -> AsyncIterator[None]:
    task = asyncio.create_task(follower.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_empty_journal_is_handed_on_as_none() -> None:
    seen = Seen()
    follower = a_follower(MemoryObjectStore(), seen)
    await follower.look()
    assert seen.contents == [None]
    assert follower.started
    assert not follower.stale


async def test_only_new_catalogues_are_handed_on() -> None:
    store, seen = MemoryObjectStore(), Seen()
    journal, blobs, state = await a_journal(store, revisions=2)
    follower = a_follower(store, seen)
    await follower.look()
    await follower.look()
    state = await journal.append(state, always(a_draft()))
    await follower.look()
    await journal.append(state, next_revision(blobs))
    await follower.look()
    assert seen.revisions == [2, 3]
    assert follower.state.sequence == 4


async def test_every_new_state_is_told_once_the_catalogue_was_handed_on() -> None:
    store, seen, told = MemoryObjectStore(), Seen(), list[tuple[int, list[int]]]()
    journal, _, state = await a_journal(store, revisions=2)
    follower = a_follower(store, seen)
    follower.on_state(lambda reached: told.append((reached.sequence, seen.revisions)))
    await follower.look()
    await follower.look()
    await journal.append(state, always(a_draft()))
    await follower.look()
    assert told == [(2, [2]), (3, [2])]


async def test_a_failure_is_logged_once_for_each_reason(caplog: pytest.LogCaptureFixture) -> None:
    class Down(FaultyStore):
        def begin(self) -> None:
            if self.operations == 3:
                asked.set()

    asked = asyncio.Event()
    store = Down(MemoryObjectStore())
    store.down = True
    async with running(a_follower(store, Seen(), poll_seconds=0.01)), asyncio.timeout(5):
        await asked.wait()

    said = [record.message for record in caplog.records if "cannot be followed" in record.message]
    assert len(said) == 1


async def test_unchanged_category_is_not_read_again() -> None:
    store, seen = MemoryObjectStore(), Seen()
    journal, blobs, state = await a_journal(store)
    state = await journal.append(state, next_revision(blobs, "same"))
    follower = a_follower(store, seen)
    await follower.look()
    await journal.append(state, next_revision(blobs, "same"))
    await follower.look()
    first, second = seen.contents
    assert first is not None
    assert second is not None
    assert second.revision == 2
    assert second.categories["clip"] is first.categories["clip"]


async def test_store_down_keeps_the_content_and_says_stale() -> None:
    inner, seen = MemoryObjectStore(), Seen()
    journal, blobs, state = await a_journal(inner, revisions=1)
    store = FaultyStore(inner)
    follower = a_follower(store, seen, poll_seconds=0.01)
    async with running(follower):
        assert await follower.wait_for_revision(1, 5)
        store.down = True
        assert not await follower.wait_for_revision(2, 0.1)
        was_stale, failure = follower.stale, follower.failure
        assert was_stale
        assert isinstance(failure, StoreUnavailable)
        assert follower.content is not None
        await journal.append(state, next_revision(blobs))
        store.down = False
        assert await follower.wait_for_revision(2, 5)
        assert not follower.stale
    assert seen.revisions == [1, 2]


async def test_store_down_from_the_start_is_attached_later() -> None:
    inner, seen = MemoryObjectStore(), Seen()
    await a_journal(inner, revisions=1)
    store = FaultyStore(inner)
    store.down = True
    follower = a_follower(store, seen, poll_seconds=0.01)
    async with running(follower):
        assert not await follower.wait_for_revision(1, 0.05)
        assert not follower.started
        store.down = False
        assert await follower.wait_for_revision(1, 5)


async def test_waiting_for_a_revision_looks_at_once() -> None:
    store, seen = MemoryObjectStore(), Seen()
    journal, blobs, state = await a_journal(store, revisions=1)
    follower = a_follower(store, seen)
    async with running(follower):
        assert await follower.wait_for_revision(1, 5)
        await journal.append(state, next_revision(blobs))
        assert await follower.wait_for_revision(2, 5)


async def test_waiting_for_a_revision_that_does_not_come_ends() -> None:
    store, seen = MemoryObjectStore(), Seen()
    await a_journal(store, revisions=1)
    follower = a_follower(store, seen)
    async with running(follower):
        assert not await follower.wait_for_revision(99, 0.05)


async def test_corrupt_blob_keeps_the_revision_before_it() -> None:
    store, seen = MemoryObjectStore(), Seen()
    journal, blobs, state = await a_journal(store, revisions=1)
    follower = a_follower(store, seen)
    await follower.look()
    after = await journal.append(state, next_revision(blobs))
    assert after.catalogue is not None
    digest = after.catalogue.categories["clip"].v2
    store.objects[blob_key(digest)] = b"{}"
    with pytest.raises(BlobCorrupt, match=digest):
        await follower.look()
    del store.objects[blob_key(digest)]
    with pytest.raises(BlobMissing, match=digest):
        await follower.look()
    assert follower.content is not None
    assert follower.content.revision == follower.state.revision == 1


async def test_gap_in_the_journal_is_found_at_the_start() -> None:
    store, seen = MemoryObjectStore(), Seen()
    await a_journal(store, revisions=4)
    del store.objects[entry_key(2)]
    with pytest.raises(ChainBroken, match="entry 2 is missing"):
        await a_follower(store, seen).look()
    assert seen.contents == []


async def test_frozen_store_makes_it_stale_before_the_deadline_of_the_look() -> None:
    inner, seen = MemoryObjectStore(), Seen()
    await a_journal(inner, revisions=1)
    store = FrozenStore(inner)
    follower = a_follower(store, seen, poll_seconds=0.05)
    async with running(follower):
        assert await follower.wait_for_revision(1, 5)
        store.freeze()
        assert not await follower.wait_for_revision(2, 0.3)
        stale, failure = follower.stale, follower.failure
        assert stale
        assert failure is None
        store.thaw()
        assert not await follower.wait_for_revision(2, 0.1)
        assert not follower.stale


async def test_look_at_a_frozen_store_ends_with_a_reason() -> None:
    store, seen = FrozenStore(MemoryObjectStore()), Seen()
    store.freeze()
    journal = Journal(store)
    follower = Follower(journal, Blobs(store), Checkpoints(store, journal), seen, look_timeout_seconds=0.05)
    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.05 s"):
        await follower.look()


async def test_slow_consumer_is_not_cut_off_by_the_deadline_of_the_look() -> None:
    store = MemoryObjectStore()
    journal, _, _ = await a_journal(store, revisions=1)
    taken: list[CatalogueContent | None] = []

    async def slowly(content: CatalogueContent | None) -> None:
        await asyncio.sleep(0.2)
        taken.append(content)

    follower = Follower(journal, Blobs(store), Checkpoints(store, journal), slowly, look_timeout_seconds=0.05)
    async with running(follower):
        assert await follower.wait_for_revision(1, 5)
    assert len(taken) == 1


def newer_version(body: bytes) -> bytes:
    return body.replace(b'"schema_version":1', b'"schema_version":7', 1)


def cut_off(body: bytes) -> bytes:
    return body[:40]


@pytest.mark.parametrize(("damage", "error"), [(newer_version, JournalTooNew), (cut_off, EntryCorrupt)])
async def test_entry_that_cannot_be_read_while_running_keeps_the_content_and_says_stale(
    damage: Callable[[bytes], bytes], error: type[JournalError]
) -> None:
    store, seen = MemoryObjectStore(), Seen()
    journal, blobs, state = await a_journal(store, revisions=1)
    follower = a_follower(store, seen, poll_seconds=0.01)
    async with running(follower):
        assert await follower.wait_for_revision(1, 5)
        await journal.append(state, next_revision(blobs))
        whole = store.objects[entry_key(2)]
        store.objects[entry_key(2)] = damage(whole)
        assert not await follower.wait_for_revision(2, 0.2)
        stale, failure, revision = follower.stale, follower.failure, follower.state.revision
        assert (stale, type(failure), revision) == (True, error, 1)
        store.objects[entry_key(2)] = whole
        assert await follower.wait_for_revision(2, 5)
        assert not follower.stale
    assert seen.revisions == [1, 2]


async def test_failed_look_makes_it_stale_at_once() -> None:
    inner, seen = MemoryObjectStore(), Seen()
    await a_journal(inner, revisions=1)
    store = FaultyStore(inner)
    follower = a_follower(store, seen, poll_seconds=60)
    async with running(follower):
        assert await follower.wait_for_revision(1, 5)
        store.down = True
        assert not await follower.wait_for_revision(2, 0.2)
        assert follower.stale


async def test_one_nudge_is_one_look() -> None:
    inner, seen = MemoryObjectStore(), Seen()
    await a_journal(inner, revisions=1)
    store = FaultyStore(inner)
    follower = a_follower(store, seen, poll_seconds=60)
    async with running(follower):
        assert await follower.wait_for_revision(1, 5)
        await asyncio.sleep(0.2)  # waiting has nudged, too
        before = store.operations
        follower.nudge()
        await asyncio.sleep(0.4)
        assert store.operations == before + 1


async def test_gap_wider_than_a_window_is_found_at_the_start() -> None:
    store, seen = MemoryObjectStore(), Seen()
    await a_journal(store, revisions=9)
    for sequence in range(2, 9):
        del store.objects[entry_key(sequence)]
    with pytest.raises(ChainBroken, match="entry 2 is missing although 9 exists"):
        await a_follower(store, seen).look()


async def test_nudge_after_a_rest_is_followed_at_once() -> None:
    store, waited = MemoryObjectStore(), list[float]()
    journal, blobs, state = await a_journal(store, revisions=1)
    follower = a_follower(store, Seen())
    async with running(follower):
        assert await follower.wait_for_revision(1, 5)
        for _ in range(8):
            state = await journal.append(state, next_revision(blobs))
            await asyncio.sleep(2 * MIN_PAUSE_SECONDS)
            started = time.monotonic()
            assert await follower.wait_for_revision(state.revision, 5)
            waited.append(time.monotonic() - started)
    assert min(waited) < MIN_PAUSE_SECONDS / 2


class SlowStore(FaultyStore):
    """Takes its time over every answer."""

    async def _run(self, operation: Callable[[], Awaitable[T]]) -> T:
        await asyncio.sleep(0.05)
        return await super()._run(operation)


async def test_journal_that_takes_longer_to_read_than_the_store_may_be_silent_is_read() -> None:
    store, seen = MemoryObjectStore(), Seen()
    await a_journal(store, revisions=40)
    await a_follower(SlowStore(store), seen, look_timeout_seconds=0.4).look()
    assert seen.revisions == [40]

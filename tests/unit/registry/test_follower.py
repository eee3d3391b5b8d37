"""The follower: new catalogues are handed on once, failures leave everything as it was."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from registry.blobs import Blobs, blob_key
from registry.checkpoints import Checkpoints
from registry.content import CatalogueContent
from registry.entries import entry_key
from registry.errors import BlobCorrupt, BlobMissing, ChainBroken
from registry.follower import Follower
from registry.journal import Journal
from service_kit.errors import StoreUnavailable
from service_kit.object_store import ObjectStore
from support.faulty_store import FaultyStore
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


def a_follower(store: ObjectStore, seen: Seen, *, poll_seconds: float = 60.0) -> Follower:
    journal = Journal(store)
    return Follower(journal, Blobs(store), Checkpoints(store, journal), seen, poll_seconds=poll_seconds)


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

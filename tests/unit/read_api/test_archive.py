import asyncio
import contextlib

import pytest

from read_api.admission import RUNNING
from read_api.archive import READS_AT_ONCE, Archive
from registry.blobs import Blobs
from registry.errors import BlobCorrupt, BlobMissing, EntryCorrupt
from registry.journal import Journal
from service_kit.documents import IMMUTABLE
from service_kit.errors import NotFound, StoreUnavailable
from support.contents import a_record
from support.frozen_store import FrozenStore
from support.histories import Past
from support.memory_store import MemoryObjectStore


class CountingStore(MemoryObjectStore):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    async def get(self, key: str) -> bytes:
        self.reads.append(key)
        return await super().get(key)


async def two_revisions(store: MemoryObjectStore | None = None) -> Past:
    past = Past(store)
    await past.seed({"clip": {"a": a_record("clip", "a")}})
    await past.apply({"clip": {"a": a_record("clip", "a", description="better"), "b": a_record("clip", "b")}})
    return past


async def test_the_records_of_every_revision_can_be_read() -> None:
    past = await two_revisions()
    archive = past.archive()

    found = [
        list(await archive.records((await archive.catalogue(revision)).categories["clip"].v2))
        for revision in (1, 2)
    ]

    assert found == [["a"], ["a", "b"]]
    await archive.close()


async def test_what_was_read_is_not_read_again() -> None:
    store = CountingStore()
    archive = (await two_revisions(store)).archive()
    store.reads.clear()
    for _ in range(3):
        ref = await archive.catalogue(1)
        await asyncio.gather(*(archive.body(ref.categories["clip"].v2) for _ in range(3)))

    assert sorted(key.split("/")[0] for key in store.reads) == ["blobs", "journal"]
    await archive.close()


@pytest.mark.parametrize("revision", [0, 3, 10**15])
async def test_a_revision_that_does_not_exist_is_not_found(revision: int) -> None:
    archive = (await two_revisions()).archive()

    with pytest.raises(NotFound):
        await archive.catalogue(revision)
    await archive.close()


async def test_damage_is_reported_and_not_held() -> None:
    past = await two_revisions()
    assert past.state.catalogue is not None
    digest = past.state.catalogue.categories["clip"].v2
    store = past.store
    assert isinstance(store, MemoryObjectStore)
    whole = store.objects[f"blobs/{digest}"]
    archive = past.archive()

    store.objects[f"blobs/{digest}"] = b"{}"
    with pytest.raises(BlobCorrupt):
        await archive.body(digest)
    del store.objects[f"blobs/{digest}"]
    with pytest.raises(BlobMissing):
        await archive.body(digest)
    store.objects[f"blobs/{digest}"] = whole

    assert await archive.body(digest) == whole
    await archive.close()


async def test_an_entry_that_is_not_the_one_of_the_revision_is_refused() -> None:
    past = await two_revisions()
    line = past.state.history.revisions[2].model_copy(update={"sequence": 2})
    history = past.state.history.model_copy(update={"revisions": past.state.history.revisions.set(2, line)})
    archive = Archive(
        Journal(past.store), past.blobs, lambda: past.state.model_copy(update={"history": history})
    )

    with pytest.raises(EntryCorrupt):
        await archive.catalogue(2)
    await archive.close()


async def test_documents_are_packed_with_the_bytes_of_their_blob_and_never_change() -> None:
    past = Past()
    await past.seed({"clip": {"a": a_record("clip", "a", description="word " * 1000)}})
    archive = past.archive()
    digest = (await archive.catalogue(1)).categories["clip"].v2

    document = await archive.document(digest)

    assert document.identity == await archive.body(digest)
    assert document.form_for("gzip").headers["Cache-Control"] == IMMUTABLE
    assert document.form_for("gzip").headers["Content-Encoding"] == "gzip"
    await archive.close()


async def test_what_is_held_is_answered_while_others_wait_for_their_turn() -> None:
    archive = (await two_revisions()).archive()
    digest = (await archive.catalogue(1)).categories["clip"].v2
    held = await archive.document(digest)
    other = (await archive.catalogue(2)).categories["clip"].v2
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(RUNNING):
            await stack.enter_async_context(archive.admission)
        waiting = asyncio.create_task(archive.document(other))
        await asyncio.sleep(0.02)

        assert await archive.document(digest) is held
        assert not waiting.done()

    assert (await waiting).identity == await archive.body(other)
    await archive.close()


async def test_waiting_for_a_store_that_is_away_ends_in_time_however_many_wait() -> None:
    past = await two_revisions()
    frozen = FrozenStore(past.store)
    past.blobs = Blobs(frozen)
    archive = past.archive(read_timeout_seconds=0.2)
    frozen.freeze()

    async with asyncio.timeout(0.2 * 2):
        ends = await asyncio.gather(
            *(archive.body(f"{number:064x}") for number in range(5 * READS_AT_ONCE)), return_exceptions=True
        )

    assert {type(end) for end in ends} == {StoreUnavailable}
    await archive.close()

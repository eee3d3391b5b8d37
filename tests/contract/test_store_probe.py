"""The probe lets every honest store pass and finds those that ignore the condition."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service_kit.errors import ObjectExists, StoreUnavailable, StoreUnsafe
from service_kit.file_object_store import open_file_store
from service_kit.object_store import ObjectStore
from service_kit.s3_object_store import open_s3_store
from service_kit.store_probe import probe
from support.faulty_store import FaultyStore
from support.lying_s3 import running_lying_s3
from support.memory_store import MemoryObjectStore
from support.servers import S3Server


class ReplacingStore(MemoryObjectStore):
    """Ignores the condition."""

    async def create(self, key: str, body: bytes) -> None:
        self.objects[key] = body


class RacyStore(MemoryObjectStore):
    """Honours the condition only while nobody else writes."""

    async def create(self, key: str, body: bytes) -> None:
        if key in self.objects:
            raise ObjectExists(key)
        await asyncio.sleep(0)
        self.objects[key] = body


class ForgetfulStore(MemoryObjectStore):
    """Tells the right one that it won, but keeps what came last."""

    async def create(self, key: str, body: bytes) -> None:
        exists = key in self.objects
        self.objects[key] = body
        if exists:
            raise ObjectExists(key)


class LateReplacingStore(MemoryObjectStore):
    """Honours the condition in a race, but not later."""

    def __init__(self) -> None:
        super().__init__()
        self.creates = 0

    async def create(self, key: str, body: bytes) -> None:
        self.creates += 1
        if self.creates > 8:
            self.objects[key] = body
        else:
            await super().create(key, body)


@pytest.fixture(params=["memory", "file", "s3"])
async def honest_store(request: pytest.FixtureRequest, data_dir: Path) -> AsyncIterator[ObjectStore]:
    if request.param == "memory":
        yield MemoryObjectStore()
    elif request.param == "file":
        async with open_file_store(data_dir) as directory:
            yield directory
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        async with open_s3_store(server.settings()) as bucket:
            yield bucket


async def test_honest_store_passes_and_keeps_nothing_of_the_probe(honest_store: ObjectStore) -> None:
    await probe(honest_store)
    assert await honest_store.list_after("probes/") == []


async def test_probe_leaves_the_other_objects_alone(honest_store: ObjectStore) -> None:
    await honest_store.create("journal/1", b"entry")
    await probe(honest_store, rounds=1)
    assert await honest_store.get("journal/1") == b"entry"


@pytest.mark.parametrize("lying", [ReplacingStore, RacyStore, ForgetfulStore, LateReplacingStore])
async def test_store_that_ignores_the_condition_is_refused(lying: type[MemoryObjectStore]) -> None:
    store = lying()
    with pytest.raises(StoreUnsafe, match="conditional create"):
        await probe(store, writers=8)
    assert store.objects == {}


async def test_s3_server_that_ignores_the_condition_is_refused_with_a_clear_text() -> None:
    async with running_lying_s3() as settings, open_s3_store(settings) as store:
        with pytest.raises(StoreUnsafe, match=r"3 of 3 writers .* no journal may live in it"):
            await probe(store)


@pytest.mark.parametrize("operation", range(1, 8))
async def test_store_that_fails_during_the_probe_is_unavailable_not_unsafe(operation: int) -> None:
    store = FaultyStore(MemoryObjectStore(), at=operation)
    with pytest.raises(StoreUnavailable):
        await probe(store, writers=4, rounds=1)


async def test_probe_that_cannot_be_removed_is_no_failure() -> None:
    await probe(FaultyStore(MemoryObjectStore(), at=8), writers=4, rounds=1)


async def test_store_that_is_down_is_unavailable_not_unsafe() -> None:
    store = FaultyStore(MemoryObjectStore())
    store.down = True
    with pytest.raises(StoreUnavailable):
        await probe(store)

"""What every object store does, over every adapter."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable

import pytest

from service_kit.errors import ObjectExists, ObjectMissing
from service_kit.file_object_store import open_file_store
from service_kit.object_store import ObjectStore
from service_kit.s3_object_store import open_s3_store
from support.memory_store import MemoryObjectStore

Opener = Callable[[pytest.FixtureRequest], contextlib.AbstractAsyncContextManager[ObjectStore]]


@contextlib.asynccontextmanager
async def open_memory(_: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    yield MemoryObjectStore()


@contextlib.asynccontextmanager
async def open_file(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    async with open_file_store(request.getfixturevalue("data_dir")) as store:
        yield store


@contextlib.asynccontextmanager
async def open_s3(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    async with open_s3_store(request.getfixturevalue("s3_server").settings()) as store:
        yield store


ADAPTERS: dict[str, Opener] = {"memory": open_memory, "file": open_file, "s3": open_s3}
KEY = "journal/000000000002.json"


@pytest.fixture(params=ADAPTERS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    async with ADAPTERS[request.param](request) as store:
        yield store


@pytest.mark.parametrize(
    "body", [b"", b"{}", bytes(range(256)) * 20, random.Random(1).randbytes(3_000_000)], ids=len
)
async def test_created_object_is_read_back_byte_for_byte(store: ObjectStore, body: bytes) -> None:
    await store.create(KEY, body)
    assert await store.get(KEY) == body


async def test_get_of_a_missing_object_raises_object_missing(store: ObjectStore) -> None:
    await store.create("journal/000000000001.json", b"neighbour")
    with pytest.raises(ObjectMissing):
        await store.get(KEY)


async def test_get_in_a_missing_folder_raises_object_missing(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissing):
        await store.get("blobs/0123")


async def test_get_of_a_folder_raises_object_missing(store: ObjectStore) -> None:
    await store.create(KEY, b"entry")
    with pytest.raises(ObjectMissing):
        await store.get("journal")


@pytest.mark.parametrize("second", [b"first", b"second", b""])
async def test_second_create_raises_object_exists_and_keeps_the_first_body(
    store: ObjectStore, second: bytes
) -> None:
    await store.create(KEY, b"first")
    with pytest.raises(ObjectExists):
        await store.create(KEY, second)
    assert await store.get(KEY) == b"first"


async def test_one_of_many_racing_writers_wins(store: ObjectStore) -> None:
    for round_number in range(3):
        key = f"journal/{round_number:012d}.json"
        bodies = [f"writer {number}".encode() for number in range(8)]
        outcomes = await asyncio.gather(*(store.create(key, body) for body in bodies), return_exceptions=True)
        winners = [body for body, outcome in zip(bodies, outcomes, strict=True) if outcome is None]
        assert winners == [await store.get(key)]
        assert all(isinstance(outcome, ObjectExists) for outcome in outcomes if outcome is not None)


async def test_readers_beside_a_writer_see_nothing_or_the_whole_body(store: ObjectStore) -> None:
    body = b"x" * 1_000_000
    writing = asyncio.ensure_future(store.create(KEY, body))
    seen = set()
    while not writing.done():
        try:
            seen.add(await store.get(KEY) == body)
        except ObjectMissing:
            await asyncio.sleep(0)
    await writing
    assert seen <= {True}
    assert await store.get(KEY) == body


async def test_list_is_in_order_whatever_the_order_of_creation(store: ObjectStore) -> None:
    names = [f"journal/{number:012d}.json" for number in (3, 1, 10, 2)]
    for name in names:
        await store.create(name, b"x")
    assert await store.list_after("journal/") == sorted(names)


async def test_list_begins_after_the_given_key(store: ObjectStore) -> None:
    for number in range(5):
        await store.create(f"journal/{number}", b"x")
    assert await store.list_after("journal/", "journal/2") == ["journal/3", "journal/4"]


async def test_list_after_a_key_that_does_not_exist_begins_behind_its_place(store: ObjectStore) -> None:
    for name in ("a", "c"):
        await store.create(f"journal/{name}", b"x")
    assert await store.list_after("journal/", "journal/b") == ["journal/c"]


async def test_list_after_the_last_key_is_empty(store: ObjectStore) -> None:
    await store.create("journal/1", b"x")
    assert await store.list_after("journal/", "journal/1") == []


async def test_list_returns_at_most_limit_keys_and_goes_on_from_there(store: ObjectStore) -> None:
    keys = [f"journal/{number}" for number in range(7)]
    for key in keys:
        await store.create(key, b"x")
    first = await store.list_after("journal/", limit=3)
    second = await store.list_after("journal/", first[-1], limit=10)
    assert [first, second] == [keys[:3], keys[3:]]


async def test_list_of_a_folder_without_objects_is_empty(store: ObjectStore) -> None:
    await store.create("blobs/1", b"x")
    assert await store.list_after("checkpoints/") == []


async def test_list_leaves_out_folders_with_a_similar_name(store: ObjectStore) -> None:
    await store.create("journal/1", b"x")
    await store.create("journal2/1", b"x")
    assert await store.list_after("journal/") == ["journal/1"]


async def test_deleted_object_is_gone_and_its_neighbour_stays(store: ObjectStore) -> None:
    await store.create("checkpoints/1", b"old")
    await store.create("checkpoints/2", b"new")
    await store.delete("checkpoints/1")
    with pytest.raises(ObjectMissing):
        await store.get("checkpoints/1")
    assert await store.list_after("checkpoints/") == ["checkpoints/2"]
    assert await store.get("checkpoints/2") == b"new"


async def test_delete_of_a_missing_object_is_no_error(store: ObjectStore) -> None:
    await store.delete("checkpoints/1")
    await store.delete("checkpoints/1")


async def test_deleted_key_can_be_created_again(store: ObjectStore) -> None:
    await store.create("checkpoints/1", b"old")
    await store.delete("checkpoints/1")
    await store.create("checkpoints/1", b"new")
    assert await store.get("checkpoints/1") == b"new"


BAD_KEYS = ["", "/", "/a/1", "a/", "a//1", ".", "..", "a/..", "../a/1", "a/../b", "jour\u00e9", "a/\u0664"]


async def test_text_that_is_no_key_raises_value_error(store: ObjectStore) -> None:
    for key in BAD_KEYS:
        for call in (store.get(key), store.create(key, b"x"), store.delete(key)):
            with pytest.raises(ValueError, match="not a key"):
                await call


async def test_cancelled_create_leaves_nothing_or_the_whole_object(store: ObjectStore) -> None:
    body = b"x" * 200_000
    for number in range(40):
        key = f"journal/{number}"
        writing = asyncio.ensure_future(store.create(key, body))
        await asyncio.sleep(number / 8000)
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        await asyncio.sleep(0.01)  # what was on its way arrives
        try:
            assert await store.get(key) == body
        except ObjectMissing:
            continue


async def test_store_works_on_after_a_cancelled_call(store: ObjectStore) -> None:
    reading = asyncio.ensure_future(store.get(KEY))
    await asyncio.sleep(0)
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError, ObjectMissing):
        await reading
    await store.create(KEY, b"entry")
    assert await store.get(KEY) == b"entry"

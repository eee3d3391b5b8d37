"""What every cache does, over every adapter."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from service_kit.cache import Cache
from service_kit.memory_cache import MemoryCache
from service_kit.redis_cache import open_redis_cache

Opener = Callable[[pytest.FixtureRequest], contextlib.AbstractAsyncContextManager[Cache]]


@contextlib.asynccontextmanager
async def open_memory(_: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    yield MemoryCache()


@contextlib.asynccontextmanager
async def open_redis(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    async with open_redis_cache(request.getfixturevalue("redis_server").settings()) as cache:
        yield cache


ADAPTERS: dict[str, Opener] = {"memory": open_memory, "redis": open_redis}


@pytest.fixture(params=ADAPTERS)
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    async with ADAPTERS[request.param](request) as cache:
        yield cache


async def test_values_come_back_in_the_order_of_the_keys(cache: Cache) -> None:
    await cache.set_many({"a": b"1", "b": b"2", "c": b"3"}, ttl_seconds=60)
    assert await cache.get_many(["c", "a", "b"]) == [b"3", b"1", b"2"]


async def test_missing_keys_are_none_beside_found_ones(cache: Cache) -> None:
    await cache.set_many({"a": b"1"}, ttl_seconds=60)
    assert await cache.get_many(["x", "a", "y"]) == [None, b"1", None]


async def test_same_key_twice_is_answered_twice(cache: Cache) -> None:
    await cache.set_many({"a": b"1"}, ttl_seconds=60)
    assert await cache.get_many(["a", "a"]) == [b"1", b"1"]


async def test_no_keys_and_no_items_are_fine(cache: Cache) -> None:
    await cache.set_many({}, ttl_seconds=60)
    assert await cache.get_many([]) == []


async def test_later_value_replaces_the_earlier_one_and_not_its_neighbour(cache: Cache) -> None:
    await cache.set_many({"a": b"1", "b": b"2"}, ttl_seconds=60)
    await cache.set_many({"a": b"new"}, ttl_seconds=60)
    assert await cache.get_many(["a", "b"]) == [b"new", b"2"]


async def test_value_is_gone_after_its_time(cache: Cache) -> None:
    await cache.set_many({"a": b"1"}, ttl_seconds=0.05)
    await cache.set_many({"b": b"2"}, ttl_seconds=60)
    await asyncio.sleep(0.1)
    assert await cache.get_many(["a", "b"]) == [None, b"2"]


async def test_no_time_at_all_holds_nothing(cache: Cache) -> None:
    await cache.set_many({"a": b"1"}, ttl_seconds=0)
    assert await cache.get_many(["a"]) == [None]


@pytest.mark.parametrize("value", [b"", b"\x00\xff\r\n", bytes(range(256)) * 20_000], ids=len)
async def test_any_bytes_come_back_as_they_were(cache: Cache, value: bytes) -> None:
    await cache.set_many({"a": value}, ttl_seconds=60)
    assert await cache.get_many(["a"]) == [value]


@pytest.mark.parametrize("key", ["with space", "line\r\nend", "\u00e4\U0001f600", "x" * 10_000, ""])
async def test_any_text_is_a_key(cache: Cache, key: str) -> None:
    await cache.set_many({key: b"1"}, ttl_seconds=60)
    assert await cache.get_many([key]) == [b"1"]


async def test_callers_at_the_same_time_get_their_own_values(cache: Cache) -> None:
    await cache.set_many({str(number): str(number).encode() for number in range(100)}, ttl_seconds=60)
    answers = await asyncio.gather(*(cache.get_many([str(number)]) for number in range(100)))
    assert answers == [[str(number).encode()] for number in range(100)]


async def test_cancelled_caller_does_not_disturb_the_next(cache: Cache) -> None:
    await cache.set_many({"a": b"1", "b": b"2"}, ttl_seconds=60)
    for _ in range(10):
        reading = asyncio.ensure_future(cache.get_many(["a"]))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert await cache.get_many(["b"]) == [b"2"]

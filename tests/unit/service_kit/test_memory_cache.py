"""The memory cache stays within its bytes and forgets in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.memory_cache import MemoryCache
from service_kit.telemetry import Telemetry
from support.a_clock import AClock


async def test_least_recently_asked_value_goes_first() -> None:
    cache = MemoryCache(max_bytes=3)
    await cache.set_many({"a": b"1", "b": b"2", "c": b"3"}, ttl_seconds=60)
    await cache.get_many(["a"])
    await cache.set_many({"d": b"4"}, ttl_seconds=60)
    assert await cache.get_many(["a", "b", "c", "d"]) == [b"1", None, b"3", b"4"]


async def test_value_larger_than_the_cache_is_not_held_and_drives_nothing_out() -> None:
    cache = MemoryCache(max_bytes=3)
    await cache.set_many({"a": b"1"}, ttl_seconds=60)
    await cache.set_many({"b": b"too large"}, ttl_seconds=60)
    assert await cache.get_many(["a", "b"]) == [b"1", None]


@pytest.mark.parametrize(("passed_seconds", "found"), [(59.9, b"1"), (60.0, None), (1e9, None)])
async def test_value_lives_exactly_its_time(passed_seconds: float, found: bytes | None) -> None:
    clock = AClock()
    cache = MemoryCache(clock=clock)
    await cache.set_many({"a": b"1"}, ttl_seconds=60)
    clock.advance(passed_seconds)
    assert await cache.get_many(["a"]) == [found]


async def test_expired_value_frees_its_bytes() -> None:
    clock = AClock()
    cache = MemoryCache(clock=clock)
    await cache.set_many({"a": b"12345"}, ttl_seconds=60)
    clock.advance(61)
    await cache.get_many(["a"])
    assert cache.held_bytes == 0


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.binary(max_size=8)), max_size=40))
async def test_bytes_are_counted_right_and_bounded(writes: list[tuple[str, bytes]]) -> None:
    cache = MemoryCache(max_bytes=16)
    for key, value in writes:
        await cache.set_many({key: value}, ttl_seconds=60)
        held = await cache.get_many(list("abcdef"))
        assert cache.held_bytes == sum(len(found) for found in held if found) <= 16
        assert (await cache.get_many([key])) == [value]


async def test_hits_and_misses_are_counted() -> None:
    telemetry = Telemetry("t")
    cache = MemoryCache(telemetry=telemetry)
    await cache.set_many({"a": b"1"}, ttl_seconds=60)
    await cache.get_many(["a", "b"])
    assert b'cache_keys_total{outcome="hit"} 1.0' in telemetry.render()

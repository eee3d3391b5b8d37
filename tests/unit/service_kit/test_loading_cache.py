import asyncio

import pytest

from service_kit.errors import StoreUnavailable
from service_kit.loading_cache import LoadingCache


class Maker:
    """Counts how often it is asked, and takes until it is let go."""

    def __init__(self, value: bytes = b"made") -> None:
        self.value = value
        self.calls = 0
        self.go = asyncio.Event()

    async def __call__(self) -> bytes:
        self.calls += 1
        await self.go.wait()
        return self.value


def a_cache(max_bytes: int = 100) -> LoadingCache[str, bytes]:
    return LoadingCache(max_bytes, len)


async def test_what_many_ask_for_at_once_is_made_once() -> None:
    cache, make = a_cache(), Maker()
    asking = [asyncio.create_task(cache.get("key", make)) for _ in range(5)]
    await asyncio.sleep(0)
    make.go.set()

    assert await asyncio.gather(*asking) == [b"made"] * 5
    assert await cache.get("key", make) == b"made"
    assert (make.calls, cache.hits, cache.misses) == (1, 1, 5)


async def test_one_who_gives_up_does_not_stop_it_for_the_others() -> None:
    cache, make = a_cache(), Maker()
    hasty, patient = (asyncio.create_task(cache.get("key", make)) for _ in range(2))
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.sleep(0)
    make.go.set()

    assert await patient == b"made"
    assert hasty.cancelled()


async def test_a_failure_is_told_to_all_and_tried_again_by_the_next() -> None:
    cache, attempts = a_cache(), 0

    async def make() -> bytes:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise StoreUnavailable("away")
        return b"made"

    first = await asyncio.gather(*(cache.get("key", make) for _ in range(2)), return_exceptions=True)

    assert all(isinstance(error, StoreUnavailable) for error in first)
    assert await cache.get("key", make) == b"made"


async def test_what_was_unused_for_longest_goes_first() -> None:
    cache = a_cache(max_bytes=10)
    made: list[str] = []

    async def ask(key: str) -> None:
        async def make() -> bytes:
            made.append(key)
            return b"12345"

        await cache.get(key, make)

    for key in ("a", "b", "a", "c", "a", "b"):
        await ask(key)

    assert made == ["a", "b", "c", "b"]
    assert cache.held_bytes == 10


async def test_a_value_larger_than_the_cache_is_handed_out_but_not_held() -> None:
    cache, make = a_cache(max_bytes=3), Maker()
    make.go.set()

    assert await cache.get("key", make) == b"made"
    assert cache.held_bytes == 0


async def test_closing_ends_what_is_being_made() -> None:
    cache, make = a_cache(), Maker()
    asking = asyncio.create_task(cache.get("key", make))
    await asyncio.sleep(0)

    await cache.close()

    with pytest.raises(asyncio.CancelledError):
        await asking

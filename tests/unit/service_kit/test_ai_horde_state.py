"""What all services know of the AI-Horde."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.ai_horde_state import (
    KEY,
    HordeState,
    parse_horde_state,
    read_horde_state,
    write_horde_state,
)
from service_kit.memory_cache import MemoryCache


@pytest.mark.parametrize("state", [HordeState(), HordeState(True, 7, 1234.5), HordeState(True, 5, None)])
async def test_state_that_was_told_is_read(state: HordeState) -> None:
    cache = MemoryCache()
    await write_horde_state(cache, state)
    assert await read_horde_state(cache) == state


async def test_nothing_told_is_none() -> None:
    assert await read_horde_state(MemoryCache()) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"degraded": 1, "consecutive_failures": 1, "retry_at": null}',
        b'{"degraded": true, "consecutive_failures": "x", "retry_at": null}',
        b'{"degraded": true, "consecutive_failures": 1}',
    ],
)
async def test_what_is_no_state_is_none(body: bytes) -> None:
    cache = MemoryCache()
    await cache.set_many({KEY: body}, ttl_seconds=60)
    assert await read_horde_state(cache) is None


def test_moment_that_is_none_and_fewer_failures_than_none_are_put_right() -> None:
    state = parse_horde_state(b'{"degraded": true, "consecutive_failures": -3, "retry_at": "soon"}')
    assert state == HordeState(True, 0, None)


@given(st.binary(max_size=60))
def test_any_bytes_are_no_state(body: bytes) -> None:
    assert parse_horde_state(body) is None


@pytest.mark.parametrize(
    ("state", "seconds"),
    [(HordeState(), None), (HordeState(True, 5, 130.0), 30.0), (HordeState(True, 5, 90.0), 0.0)],
)
def test_seconds_until_retry_are_never_negative(state: HordeState, seconds: float | None) -> None:
    assert state.seconds_until_retry(100.0) == seconds

"""The limiter of one process, against a clock that the test moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.errors import TooManyRequests
from service_kit.rate_limit import Limit, LocalRateLimiter
from support.a_clock import AClock


@given(
    per_minute=st.integers(1, 10_000),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 30), max_size=60),
)
async def test_never_more_is_allowed_than_burst_and_rate_together(
    per_minute: int, burst: int, pauses: list[float]
) -> None:
    clock = AClock()
    limiter, limit = LocalRateLimiter(clock=clock), Limit("test", per_minute, burst)
    started, allowed = clock(), 0
    for pause in pauses:
        clock.advance(pause)
        try:
            await limiter.check(limit, "a")
            allowed += 1
        except TooManyRequests:
            continue
        assert allowed <= burst + (clock() - started) * per_minute / 60 + 1e-6


async def test_whoever_waits_as_told_is_allowed() -> None:
    clock = AClock()
    limiter, limit = LocalRateLimiter(clock=clock), Limit("test", 7, 2)
    for _ in range(50):
        try:
            await limiter.check(limit, "a")
        except TooManyRequests as refused:
            clock.advance(int(refused.headers["Retry-After"]))
            await limiter.check(limit, "a")


async def test_number_of_subjects_is_bounded_and_the_busy_ones_stay() -> None:
    limiter, limit = LocalRateLimiter(max_subjects=10, clock=AClock()), Limit("test", 1, 2)
    await limiter.check(limit, "busy", 1)
    for number in range(100):
        await limiter.check(limit, f"other-{number}")
        if number == 5:
            await limiter.check(limit, "busy")
        if number == 10:
            with pytest.raises(TooManyRequests):
                await limiter.check(limit, "busy")

"""Retries are bounded in number and time, and only for what can pass."""

import asyncio
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service_kit.errors import ObjectMissing, StoreUnavailable
from service_kit.retry import RetryPolicy, with_retries

QUICK = RetryPolicy(attempts=3, first_pause_seconds=0.001, max_pause_seconds=0.002, deadline_seconds=5)


class Flaky:
    """Fails a number of times, then answers."""

    def __init__(self, failures: int, error: type[Exception] = StoreUnavailable) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    async def call(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error("made to fail")
        return "answer"


@pytest.mark.parametrize("failures", [0, 1, 2])
async def test_failures_within_the_limit_are_bridged(failures: int) -> None:
    flaky, retries = Flaky(failures), [0]

    def count() -> None:
        retries[0] += 1

    assert await with_retries(flaky.call, QUICK, on_retry=count) == "answer"
    assert (flaky.calls, retries[0]) == (failures + 1, failures)


async def test_after_the_last_attempt_the_last_error_is_raised() -> None:
    flaky = Flaky(99)
    with pytest.raises(StoreUnavailable):
        await with_retries(flaky.call, QUICK)
    assert flaky.calls == 3


@pytest.mark.parametrize("error", [ObjectMissing, KeyError])
async def test_what_cannot_pass_is_raised_at_once(error: type[Exception]) -> None:
    flaky = Flaky(99, error)
    with pytest.raises(error):
        await with_retries(flaky.call, QUICK)
    assert flaky.calls == 1


async def test_deadline_ends_a_call_that_hangs() -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        await with_retries(asyncio.Event().wait, RetryPolicy(deadline_seconds=0.05))
    assert time.monotonic() - started < 1


async def test_deadline_ends_the_pauses_too() -> None:
    policy = RetryPolicy(attempts=1000, first_pause_seconds=0.02, deadline_seconds=0.1)
    with pytest.raises(TimeoutError):
        await with_retries(Flaky(10_000).call, policy)


async def test_cancelled_caller_is_cancelled() -> None:
    task = asyncio.ensure_future(with_retries(asyncio.Event().wait, QUICK))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@given(st.integers(1, 60) | st.integers(1, 10**9))
@example(1026)  # more doublings than a float has room for
def test_pause_grows_up_to_its_limit_and_is_never_negative(tries: int) -> None:
    policy = RetryPolicy(first_pause_seconds=0.1, max_pause_seconds=2)
    assert 0 <= policy.pause_seconds(tries) <= min(0.1 * 2 ** min(tries - 1, 60), 2)

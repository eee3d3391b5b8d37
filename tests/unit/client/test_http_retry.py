"""Asking again, and leaving alone."""

from collections.abc import Callable

import pytest

from horde_model_reference.http_retry import (
    CircuitBreaker,
    RetryableHTTPStatusError,
    http_retry_async,
    http_retry_sync,
    is_retryable_status_code,
    pauses,
)
from support.a_clock import AClock


class Failing:
    """Fails with these errors, one after the other, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def call(self, value: int) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return value

    async def call_async(self, value: int) -> int:
        return self.call(value)


class SomeResponse:
    """An answer of a library that names the status so."""

    status_code = 502


@pytest.mark.parametrize(
    ("status", "retryable"), [(429, True), (500, True), (503, True), (599, True), (200, False), (404, False)]
)
def test_statuses_that_may_pass_are_known(status: int, *, retryable: bool) -> None:
    assert is_retryable_status_code(status) is retryable


def test_the_error_of_a_status_names_it_and_has_the_answer() -> None:
    response = SomeResponse()
    error = RetryableHTTPStatusError(response)
    assert error.response is response
    assert "502" in str(error)


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), TimeoutError(), RetryableHTTPStatusError(SomeResponse())]
)
def test_a_passing_failure_is_tried_again(error: Exception) -> None:
    failing = Failing(error, error)
    assert http_retry_sync(min_wait=0)(failing.call)(7) == 7
    assert failing.calls == 3


def test_the_last_failure_is_raised() -> None:
    last = TimeoutError("the last")
    failing = Failing(TimeoutError(), last, ValueError())
    with pytest.raises(TimeoutError) as caught:
        http_retry_sync(max_attempts=2, min_wait=0)(failing.call)(7)
    assert caught.value is last


def test_another_failure_is_raised_at_once_unless_it_was_named() -> None:
    failing = Failing(KeyError(), KeyError(), KeyError())
    with pytest.raises(KeyError):
        http_retry_sync(min_wait=0)(failing.call)(7)
    assert failing.calls == 1
    assert http_retry_sync(min_wait=0, extra_exceptions=(KeyError,))(failing.call)(7) == 7


async def test_functions_to_be_awaited_are_tried_again() -> None:
    failing = Failing(TimeoutError(), ConnectionRefusedError())
    assert await http_retry_async(min_wait=0)(failing.call_async)(7) == 7
    assert failing.calls == 3
    with pytest.raises(KeyError):
        await http_retry_async(min_wait=0)(Failing(KeyError()).call_async)(7)


def test_pauses_grow_up_to_the_longest() -> None:
    first, second, third, fourth = pauses(5, 1.0, 3.0)
    assert 0.8 <= first <= 1.2
    assert 1.6 <= second <= 2.4
    assert 2.4 <= third <= 3.6
    assert 2.4 <= fourth <= 3.6
    assert list(pauses(1, 1.0, 3.0)) == list(pauses(0, 1.0, 3.0)) == []


@pytest.fixture
def clock() -> AClock:
    return AClock()


@pytest.fixture
def breaker(clock: AClock) -> CircuitBreaker:
    return CircuitBreaker(clock=clock)


def times(count: int, call: Callable[[], None]) -> None:
    for _ in range(count):
        call()


def test_the_circuit_opens_after_five_failures_in_a_row(breaker: CircuitBreaker) -> None:
    times(4, breaker.record_failure)
    assert breaker.allows()
    breaker.record_failure()
    assert not breaker.allows()


def test_a_success_in_between_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    times(4, breaker.record_failure)
    breaker.record_success()
    times(4, breaker.record_failure)
    assert breaker.allows()


def test_after_the_time_one_request_may_try(breaker: CircuitBreaker, clock: AClock) -> None:
    times(5, breaker.record_failure)
    clock.advance(119)
    assert not breaker.allows()
    clock.advance(2)
    assert breaker.allows()
    assert not breaker.allows()
    breaker.record_success()
    assert breaker.allows()
    assert breaker.allows()


def test_a_trial_that_fails_keeps_the_circuit_open(breaker: CircuitBreaker, clock: AClock) -> None:
    times(5, breaker.record_failure)
    clock.advance(121)
    assert breaker.allows()
    breaker.record_failure()
    clock.advance(119)
    assert not breaker.allows()

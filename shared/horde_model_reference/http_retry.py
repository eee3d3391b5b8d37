"""Asking again over HTTP: which statuses deserve it, decorators that do it, and a circuit breaker."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, ParamSpec, TypeVar

from horde_model_reference.jitter import JITTER
from horde_model_reference.waiting import pause

Given = ParamSpec("Given")
T = TypeVar("T")

MAX_ATTEMPTS: Final = 3
MIN_WAIT_SECONDS: Final = 0.5
MAX_WAIT_SECONDS: Final = 10.0
FAILURES_TO_OPEN: Final = 5
OPEN_SECONDS: Final = 120.0


def is_retryable_status_code(status_code: int) -> bool:
    """Say whether the same request may succeed later."""
    return status_code >= 500 or status_code == 429


class RetryableHTTPStatusError(Exception):
    """An answer with a status that may be another one later. `response` is the answer."""

    def __init__(self, response: object) -> None:
        self.response = response
        status = getattr(response, "status_code", getattr(response, "status", "unknown"))
        super().__init__(f"the server answered with status {status}")


RETRYABLE: Final[tuple[type[Exception], ...]] = (RetryableHTTPStatusError, ConnectionError, TimeoutError)


def http_retry_sync(
    *,
    max_attempts: int = MAX_ATTEMPTS,
    min_wait: float = MIN_WAIT_SECONDS,
    max_wait: float = MAX_WAIT_SECONDS,
    extra_exceptions: tuple[type[Exception], ...] = (),
) -> Callable[[Callable[Given, T]], Callable[Given, T]]:
    """Return a decorator that calls again after passing failures, with growing pauses in seconds.

    Passing are `RetryableHTTPStatusError`, lost connections, timeouts, and the extra exceptions. The last
    failure is raised.
    """
    passing = RETRYABLE + extra_exceptions

    def decorate(function: Callable[Given, T]) -> Callable[Given, T]:
        @functools.wraps(function)
        def calling(*args: Given.args, **kwargs: Given.kwargs) -> T:
            for seconds in pauses(max_attempts, min_wait, max_wait):
                try:
                    return function(*args, **kwargs)
                except passing:
                    pause(seconds)
            return function(*args, **kwargs)

        return calling

    return decorate


def http_retry_async(
    *,
    max_attempts: int = MAX_ATTEMPTS,
    min_wait: float = MIN_WAIT_SECONDS,
    max_wait: float = MAX_WAIT_SECONDS,
    extra_exceptions: tuple[type[Exception], ...] = (),
) -> Callable[[Callable[Given, Awaitable[T]]], Callable[Given, Awaitable[T]]]:
    """Return the same decorator for functions that have to be awaited."""
    passing = RETRYABLE + extra_exceptions

    def decorate(function: Callable[Given, Awaitable[T]]) -> Callable[Given, Awaitable[T]]:
        @functools.wraps(function)
        async def calling(*args: Given.args, **kwargs: Given.kwargs) -> T:
            for seconds in pauses(max_attempts, min_wait, max_wait):
                try:
                    return await function(*args, **kwargs)
                except passing:
                    await asyncio.sleep(seconds)
            return await function(*args, **kwargs)

        return calling

    return decorate


def pauses(attempts: int, first_seconds: float, longest_seconds: float) -> Iterator[float]:
    """Yield the pause after each attempt but the last: each about twice the one before.

    They differ by a fifth at random, so that clients of a server that comes back do not march in step.
    """
    for number in range(attempts - 1):
        seconds: float = min(first_seconds * 2**number, longest_seconds)
        yield seconds * JITTER.uniform(0.8, 1.2)


class CircuitBreaker:
    """Says when a neighbour that keeps failing shall be left alone for a while.

    It opens after so many failures in a row. When the time is over one request may try; the others follow
    as soon as that one has succeeded.
    """

    def __init__(
        self,
        *,
        failures_to_open: int = FAILURES_TO_OPEN,
        open_seconds: float = OPEN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures_to_open = failures_to_open
        self._open_seconds = open_seconds
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    def allows(self) -> bool:
        """Say whether a request may be sent now; the one that is allowed has to tell how it went."""
        if self._failures < self._failures_to_open:
            return True
        if self._clock() < self._open_until:
            return False
        self._open_until = self._clock() + self._open_seconds
        return True

    def record_success(self) -> None:
        """Remember that a request succeeded."""
        self._failures = 0

    def record_failure(self) -> None:
        """Remember that a request failed."""
        self._failures += 1
        self._open_until = self._clock() + self._open_seconds

"""Bounded retries."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from service_kit.errors import ServiceError

MAX_DOUBLINGS: Final = 64
"""More than any limit allows; who goes on for ever tries more often than a float can tell."""

Result = TypeVar("Result")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `attempts` tries, all of them together within `deadline_seconds`.

    The pause before try n+1 is random between 0 and `first_pause_seconds * 2**(n-1)`, at most
    `max_pause_seconds` (full jitter: many clients of a neighbour that comes back do not march in step).
    """

    attempts: int = 3
    first_pause_seconds: float = 0.1
    max_pause_seconds: float = 2.0
    deadline_seconds: float = 15.0

    def pause_seconds(self, tries: int) -> float:
        """Return how long to wait after that many failed tries."""
        doublings = min(tries - 1, MAX_DOUBLINGS)
        longest: float = min(self.first_pause_seconds * 2.0**doublings, self.max_pause_seconds)
        return random.uniform(0, longest)  # noqa: S311 - spreads load, keeps no secret


async def with_retries(
    call: Callable[[], Awaitable[Result]],
    policy: RetryPolicy,
    *,
    on_retry: Callable[[], None] | None = None,
) -> Result:
    """Return what `call` returns, trying again after `ServiceError`s that say they are `retryable`.

    Raises the last error, anything else at once, and `TimeoutError` at the deadline.
    """
    async with asyncio.timeout(policy.deadline_seconds):
        tries = 1
        while True:
            try:
                return await call()
            except ServiceError as error:
                if not error.retryable or tries >= policy.attempts:
                    raise
                log.debug("try %d failed: %s", tries, error)
            if on_retry is not None:
                on_retry()
            await asyncio.sleep(policy.pause_seconds(tries))
            tries += 1

"""Limits of how often something may be done: the port, and the adapter for one process.

Both adapters use one rule, the generic cell rate algorithm: a subject may do `burst` things in one go, and
gets them back at `per_minute`. All that is kept of a subject is the moment at which it will have all of
them back.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from service_kit.errors import TooManyRequests

MAX_SUBJECTS: Final = 100_000
ROUNDING_SECONDS: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Limit:
    """How many things a subject may do a minute, and in one go. With `per_minute` 0 there is no limit."""

    name: str
    per_minute: int
    burst: int

    @property
    def seconds_each(self) -> float:
        """In what time one thing is given back."""
        return 60 / self.per_minute

    def key(self, subject: str) -> str:
        """Return what stands for the subject, which itself is kept nowhere."""
        return f"{self.name}:{hashlib.sha256(subject.encode(errors='replace')).hexdigest()[:32]}"


class RateLimiter(Protocol):
    """Counts what subjects do. A limiter fails only towards its callers' freedom: it never blocks them."""

    async def check(self, limit: Limit, subject: str, cost: int = 1) -> None:
        """Take `cost` from the subject, or take nothing and raise `TooManyRequests`.

        A cost of 0 takes nothing, and raises if a cost of 1 would. More than `burst` cannot be taken.
        """


class LocalRateLimiter:
    """Counts in this process; beyond `max_subjects` those that did nothing for the longest are forgotten."""

    def __init__(
        self, *, max_subjects: int = MAX_SUBJECTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_subjects = max_subjects
        self._clock = clock
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    async def check(self, limit: Limit, subject: str, cost: int = 1) -> None:
        if limit.per_minute <= 0:
            return
        now, key = self._clock(), limit.key(subject)
        used_seconds = max(self._whole_at.get(key, now) - now, 0.0)
        excess_seconds = used_seconds + (max(cost, 1) - limit.burst) * limit.seconds_each
        if excess_seconds > ROUNDING_SECONDS:
            raise TooManyRequests(excess_seconds)
        if cost > 0:
            self._keep(key, now + used_seconds + cost * limit.seconds_each)

    def _keep(self, key: str, whole_at: float) -> None:
        self._whole_at[key] = whole_at
        self._whole_at.move_to_end(key)
        while len(self._whole_at) > self._max_subjects:
            self._whole_at.popitem(last=False)

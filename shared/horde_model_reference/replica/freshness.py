"""Until when data need not be asked for again."""

import math
import time
from collections.abc import Iterable
from typing import Final

from horde_model_reference.jitter import JITTER

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0


class Freshness:
    """Keeps a moment of the monotonic clock for each category. Written on one loop, read by any thread.

    While new revisions are told at once nothing expires that is trusted.
    """

    def __init__(self, ttl_seconds: float) -> None:
        self._ttl_seconds = ttl_seconds
        self._pauses: dict[str, float] = {}
        self._live = False
        self._expired_at: dict[str, float] = {}
        self.until: dict[str, float] = {}

    def renew(self, categories: Iterable[str], *, told: bool = False, as_of: float = math.inf) -> None:
        """Take note that these were the newest at a moment, if nobody has them looked for since then.

        `told`: by a service that tells of changes.
        """
        until = math.inf if told and self._live else time.monotonic() + self._ttl_seconds
        for name in categories:
            self._pauses.pop(name, None)
            self._set(name, until, as_of)

    def postpone(self, categories: Iterable[str]) -> None:
        """Take note that looking for these failed: the next try is soon, then later and later."""
        now = time.monotonic()
        for name in categories:
            pause = min(
                self._pauses.get(name, FIRST_PAUSE_SECONDS),
                LONGEST_PAUSE_SECONDS,
                max(self._ttl_seconds, 0.1),
            )
            self._pauses[name] = pause * 2
            self.until[name] = now + pause * JITTER.uniform(0.75, 1.0)

    def expire(self, category: str) -> None:
        """Have the category looked for at the next read."""
        self._expired_at[category] = time.monotonic()  # first, for `_set` looks last
        self.until[category] = 0.0

    def trust(self, categories: Iterable[str]) -> None:
        """Take note that whatever changes in these will be told; also in those that follow."""
        self._live = True
        now = time.monotonic()
        for name in categories:
            if self.until.get(name) != 0.0:  # else somebody wants it to be looked for
                self._pauses.pop(name, None)
                self._set(name, math.inf, now)

    def distrust(self) -> None:
        """Take note that changes are not told any more: what relied on it is asked for at the next read."""
        self._live = False
        for name, until in list(self.until.items()):
            if until == math.inf:
                self.until[name] = 0.0

    def _set(self, category: str, until: float, as_of: float) -> None:
        self.until[category] = until
        if self._expired_at.get(category, -math.inf) >= as_of:
            self.until[category] = 0.0

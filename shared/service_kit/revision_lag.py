"""Measures how long a revision takes from its commit until an instance serves it."""

import time
from collections.abc import Callable
from datetime import datetime

from prometheus_client import Histogram


class RevisionLag:
    """Tells one histogram; `part` is what serves. What is there at the start is old, and does not count."""

    def __init__(self, lag: Histogram, part: str, *, clock: Callable[[], float] = time.time) -> None:
        self._observe = lag.labels(part).observe
        self._clock = clock
        self._newest: int | None = None

    def reached(self, revision: int, committed_at: datetime) -> None:
        """Take note that a revision is served now. The same one may be named again."""
        newest = self._newest
        if newest is not None and revision > newest:
            self._observe(max(0.0, self._clock() - committed_at.timestamp()))
        self._newest = revision  # also a lower one: a backup was restored

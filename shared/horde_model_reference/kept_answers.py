"""Answers that are kept for a time, and fetched once however many ask."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Kept(Generic[V]):
    """An answer; `until` is a time of the monotonic clock."""

    value: V
    until: float


Fetch = Callable[[str, Kept[V] | None], Awaitable[tuple[V, float]]]
"""Gets the key and the last answer of any age; returns the answer and the seconds that it is to be kept."""


class KeptAnswers(Generic[V]):
    """Answers by key. Who asks while one is being fetched waits for that one.

    `fresh` may be called from any thread, `get` on one loop only. What a fetch raises goes to all who wait,
    and is not kept.
    """

    def __init__(self, fetch: Fetch[V], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[str, Kept[V]] = {}
        self._running: dict[str, asyncio.Task[V]] = {}

    def fresh(self, key: str) -> Kept[V] | None:
        """Return the answer if its time is not over."""
        kept = self._kept.get(key)
        return kept if kept is not None and self._clock() < kept.until else None

    async def get(self, key: str, *, force: bool = False) -> V:
        """Return the answer; `force` fetches one although that which is kept is fresh."""
        kept = None if force else self.fresh(key)
        if kept is not None:
            return kept.value
        task = self._running.get(key)
        if task is None or task.get_loop() is not asyncio.get_running_loop():  # begun by who forked us
            task = asyncio.create_task(self._refresh(key))
            task.add_done_callback(_look_at)
            self._running[key] = task
        return await asyncio.shield(task)

    async def _refresh(self, key: str) -> V:
        try:
            value, seconds = await self._fetch(key, self._kept.get(key))
            self._kept[key] = Kept(value, self._clock() + seconds)
            return value
        finally:
            self._running.pop(key, None)


def _look_at(task: "asyncio.Task[V]") -> None:
    """Take note of the error, if there is one: perhaps nobody waits for it any more."""
    if not task.cancelled():
        task.exception()

"""When GitHub may be asked: its limits hold for all our calls together (sync.md section 9)."""

import asyncio

from sync_worker.github.errors import RateLimited
from sync_worker.github.timing import GithubTiming


class Pacer:
    """One for all repositories that are asked as the same account."""

    def __init__(self, timing: GithubTiming) -> None:
        self._timing = timing
        self._rest_until = 0.0
        self._slow_until = 0.0
        self._next_write = 0.0
        self._limit: RateLimited | None = None
        self._write_lock = asyncio.Lock()

    async def turn(self, *, is_write: bool) -> None:
        """Wait until a call may be made. Raises `RateLimited` if that takes too long to wait for."""
        while (rest := self._rest_until - self._timing.monotonic()) > 0:
            if rest > self._timing.limit_seconds and self._limit is not None:
                raise self._limit
            await self._timing.sleep(rest)
        if is_write and self._timing.monotonic() < self._slow_until:
            await self._write_turn()

    def note_limit(self, limit: RateLimited) -> None:
        """Take note that GitHub wants to be left alone."""
        now = self._timing.monotonic()
        until = now + limit.until - self._timing.wall()
        if until > self._rest_until:
            self._rest_until, self._limit = until, limit
        if limit.is_secondary:
            self._slow_until = until + self._timing.slow_seconds

    async def _write_turn(self) -> None:
        async with self._write_lock:
            wait = self._next_write - self._timing.monotonic()
            if wait > 0:
                await self._timing.sleep(wait)
            self._next_write = self._timing.monotonic() + self._timing.write_interval_seconds

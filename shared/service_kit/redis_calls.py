"""Calls to a Redis whose absence may cost at most one short wait per pause."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

from prometheus_client import Histogram
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service_kit.settings import RedisSettings

Result = TypeVar("Result")

FAILURES: Final = (RedisError, OSError, TimeoutError, RuntimeError)
"""RuntimeError is what uvloop raises for a write to a connection that was reset a moment ago."""

log = logging.getLogger(__name__)


class RedisCalls:
    """Runs calls, each bounded by `call_timeout_seconds`, and measures them.

    After a failure Redis is left alone for `pause_seconds`: all calls fail at once. Then a single call
    tries again, the others keep failing until it succeeds. `purpose` is how the log speaks of the server.
    """

    def __init__(
        self,
        purpose: str,
        settings: RedisSettings,
        calls: Histogram | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._purpose = purpose
        self._settings = settings
        self._calls = calls
        self._clock = clock
        self._failed = False
        self._left_alone_until = 0.0

    async def run(self, operation: str, call: Callable[[], Awaitable[Result]]) -> Result | None:
        """Return what the call returns, or None when Redis fails or is being left alone.

        A cancellation that the driver loses is made good: up to Python 3.11 its `asyncio.wait_for` returns a
        result that came in the same moment instead.
        """
        cancellations = _cancellations()
        now = self._clock()
        if now < self._left_alone_until:
            self._observe(operation, "left alone", 0.0)
            return None
        if self._failed:  # this call alone tries it
            self._left_alone_until = now + self._settings.pause_seconds
        try:
            async with asyncio.timeout(self._settings.call_timeout_seconds):
                result = await call()
        except FAILURES as error:
            self._note_failure(error)
            self._observe(operation, "failed", self._clock() - now)
            return None
        finally:
            _raise_a_lost_one(cancellations)
        self._note_success()
        self._observe(operation, "ok", self._clock() - now)
        return result

    def _note_failure(self, error: Exception) -> None:
        if not self._failed:
            log.warning("%s: Redis fails, going on without it: %s", self._purpose, type(error).__name__)
        self._failed = True
        self._left_alone_until = self._clock() + self._settings.pause_seconds

    def _note_success(self) -> None:
        if self._failed:
            log.info("%s: Redis answers again", self._purpose)
        self._failed = False
        self._left_alone_until = 0.0

    def _observe(self, operation: str, outcome: str, seconds: float) -> None:
        if self._calls is not None:
            self._calls.labels(operation, outcome).observe(seconds)


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _raise_a_lost_one(before: int) -> None:
    if _cancellations() > before:
        raise asyncio.CancelledError


@contextlib.asynccontextmanager
async def open_redis(settings: RedisSettings) -> AsyncIterator[Redis]:
    """Yield a client that connects when it is first used; that Redis is down is no error."""
    pool = BlockingConnectionPool.from_url(
        settings.address,
        max_connections=settings.max_connections,
        timeout=settings.call_timeout_seconds,
        socket_connect_timeout=settings.connect_timeout_seconds,
        socket_timeout=settings.call_timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,  # else each new connection reads the package's metadata from disk
    )
    client = Redis(connection_pool=pool)
    try:
        yield client
    finally:
        with contextlib.suppress(*FAILURES):
            async with asyncio.timeout(settings.call_timeout_seconds):
                await client.aclose(close_connection_pool=True)

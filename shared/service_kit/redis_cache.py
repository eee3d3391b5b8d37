"""A cache in Redis, or in a server that speaks its protocol."""

import asyncio
import contextlib
import logging
import struct
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service_kit.settings import RedisSettings
from service_kit.telemetry import Telemetry

SEAL: Final = struct.Struct(">4sI")  # mark, CRC-32 of the value
MARK: Final = b"hmr1"

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class RedisCache:
    """One Redis, whose absence costs at most one short wait per pause.

    Each call is bounded by `call_timeout_seconds`. After a failure Redis is left alone for
    `pause_seconds`: all calls find nothing at once. Then a single call tries again, the others keep
    finding nothing until it succeeds. Values carry a checksum, so that a foreign or damaged one is none.
    """

    def __init__(
        self,
        client: Redis,
        settings: RedisSettings,
        telemetry: Telemetry | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._settings = settings
        self._telemetry = telemetry
        self._clock = clock
        self._failed = False
        self._left_alone_until = 0.0

    async def get_many(self, keys: list[str]) -> list[bytes | None]:
        if not keys:
            return []
        found = await self._call("get", lambda: self._client.mget([self._name(key) for key in keys]))
        values = [unseal(sealed) for sealed in found or [None] * len(keys)]
        if self._telemetry is not None:
            self._telemetry.count_cache_keys(values)
        return values

    async def set_many(self, items: dict[str, bytes], *, ttl_seconds: float) -> None:
        milliseconds = int(ttl_seconds * 1000)
        if not items or milliseconds <= 0:
            return
        pipeline = self._client.pipeline(transaction=False)
        for key, value in items.items():
            pipeline.set(self._name(key), seal(value), px=milliseconds)
        await self._call("set", pipeline.execute)

    def _name(self, key: str) -> str:
        return f"{self._settings.key_prefix}:{key}"

    async def _call(self, operation: str, call: Callable[[], Awaitable[Result]]) -> Result | None:
        now = self._clock()
        if now < self._left_alone_until:
            self._observe(operation, "left alone", 0.0)
            return None
        if self._failed:  # this call alone tries it
            self._left_alone_until = now + self._settings.pause_seconds
        try:
            async with asyncio.timeout(self._settings.call_timeout_seconds):
                result = await call()
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)
            self._observe(operation, "failed", self._clock() - now)
            return None
        self._note_success()
        self._observe(operation, "ok", self._clock() - now)
        return result

    def _note_failure(self, error: Exception) -> None:
        if not self._failed:
            log.warning("the shared cache fails, going on without it: %s", type(error).__name__)
        self._failed = True
        self._left_alone_until = self._clock() + self._settings.pause_seconds

    def _note_success(self) -> None:
        if self._failed:
            log.info("the shared cache answers again")
        self._failed = False
        self._left_alone_until = 0.0

    def _observe(self, operation: str, outcome: str, seconds: float) -> None:
        if self._telemetry is not None:
            self._telemetry.cache_calls.labels(operation, outcome).observe(seconds)


@contextlib.asynccontextmanager
async def open_redis_cache(
    settings: RedisSettings, telemetry: Telemetry | None = None
) -> AsyncIterator[RedisCache]:
    """Return a cache that connects when it is first used; that Redis is down is no error."""
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
        yield RedisCache(client, settings, telemetry)
    finally:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(settings.call_timeout_seconds):
                await client.aclose(close_connection_pool=True)


def seal(value: bytes) -> bytes:
    """Return the value with mark and checksum before it."""
    return SEAL.pack(MARK, zlib.crc32(value)) + value


def unseal(sealed: object) -> bytes | None:
    """Return the value, or None if this is nothing that was sealed, or is damaged."""
    if not isinstance(sealed, bytes) or len(sealed) < SEAL.size:
        return None
    mark, checksum = SEAL.unpack_from(sealed)
    value = sealed[SEAL.size :]
    return value if mark == MARK and zlib.crc32(value) == checksum else None

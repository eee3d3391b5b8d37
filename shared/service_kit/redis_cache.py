"""A cache in Redis, or in a server that speaks its protocol."""

import contextlib
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Final

from redis.asyncio import Redis

from service_kit.redis_calls import RedisCalls, open_redis
from service_kit.settings import RedisSettings
from service_kit.telemetry import Telemetry

SEAL: Final = struct.Struct(">4sI")  # mark, CRC-32 of the value
MARK: Final = b"hmr1"


class RedisCache:
    """One Redis, whose absence costs at most one short wait per pause: then nothing is found.

    Values carry a checksum, so that a foreign or damaged one is none.
    """

    def __init__(self, client: Redis, settings: RedisSettings, telemetry: Telemetry | None = None) -> None:
        self._client = client
        self._settings = settings
        self._telemetry = telemetry
        self._calls = RedisCalls("shared cache", settings, telemetry.cache_calls if telemetry else None)

    async def get_many(self, keys: list[str]) -> list[bytes | None]:
        if not keys:
            return []
        found = await self._calls.run("get", lambda: self._client.mget([self._name(key) for key in keys]))
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
        await self._calls.run("set", pipeline.execute)

    async def ping(self) -> bool:
        """Return whether Redis answers; it is not asked while it is left alone."""
        return await self._calls.run("ping", self._client.ping) is not None

    def _name(self, key: str) -> str:
        return f"{self._settings.key_prefix}:{key}"


@contextlib.asynccontextmanager
async def open_redis_cache(
    settings: RedisSettings, telemetry: Telemetry | None = None
) -> AsyncIterator[RedisCache]:
    """Return a cache that connects when it is first used; that Redis is down is no error."""
    async with open_redis(settings) as client:
        yield RedisCache(client, settings, telemetry)


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

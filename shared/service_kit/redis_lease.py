"""Leases in Redis, or in a server that speaks its protocol."""

import contextlib
import math
import secrets
from collections.abc import AsyncIterator
from typing import Final

from redis.asyncio import Redis

from service_kit.lease import Held
from service_kit.redis_calls import RedisCalls, open_redis
from service_kit.settings import RedisSettings
from service_kit.telemetry import Telemetry

# KEYS: the lease. ARGV: who asks, milliseconds, 1 to hold on to what the asker has. Answers 1 when taken.
TAKE: Final = """
local holder = redis.call('GET', KEYS[1])
if holder and (holder ~= ARGV[1] or ARGV[3] ~= '1') then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

# KEYS: the lease. ARGV: who gives it back.
GIVE_BACK: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1
"""


class RedisLease:
    """Leases of all instances with the same Redis, by its clock; without Redis nobody knows who holds one."""

    def __init__(self, client: Redis, settings: RedisSettings, telemetry: Telemetry | None = None) -> None:
        self._take = client.register_script(TAKE)
        self._give_back = client.register_script(GIVE_BACK)
        self._key_prefix = settings.key_prefix
        self._token = secrets.token_hex(16)
        self._calls = RedisCalls("leases", settings, telemetry.cache_calls if telemetry else None)

    async def hold(self, name: str, *, seconds: float) -> Held:
        return await self._ask(name, seconds, prolong=True)

    async def claim(self, name: str, *, seconds: float) -> Held:
        return await self._ask(name, seconds, prolong=False)

    async def release(self, name: str) -> None:
        await self._calls.run(
            "release lease", lambda: self._give_back(keys=[self._key(name)], args=[self._token])
        )

    async def _ask(self, name: str, seconds: float, *, prolong: bool) -> Held:
        milliseconds = max(math.ceil(seconds * 1000), 1)
        answer: object = await self._calls.run(
            "take lease",
            lambda: self._take(keys=[self._key(name)], args=[self._token, milliseconds, int(prolong)]),
        )
        if not isinstance(answer, int):
            return Held.UNKNOWN
        return Held.HERE if answer == 1 else Held.ELSEWHERE

    def _key(self, name: str) -> str:
        return f"{self._key_prefix}:lease:{name}"


@contextlib.asynccontextmanager
async def open_redis_lease(
    settings: RedisSettings, telemetry: Telemetry | None = None
) -> AsyncIterator[RedisLease]:
    """Yield leases of a server that is connected to when they are first used; that it is down is no error."""
    async with open_redis(settings) as client:
        yield RedisLease(client, settings, telemetry)

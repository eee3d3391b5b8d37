"""Limits that all instances share, in Redis."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from redis.asyncio import Redis

from service_kit.errors import TooManyRequests
from service_kit.rate_limit import Limit, RateLimiter
from service_kit.redis_calls import RedisCalls, open_redis
from service_kit.settings import RedisSettings
from service_kit.telemetry import Telemetry

MICROSECONDS: Final = 1_000_000

# KEYS: the subject. ARGV: microseconds for one thing, burst, cost. Answers the microseconds in excess, or 0.
# The time is the server's, so that the clocks of the instances do not matter. What cannot be (its clock was
# set back, or another program wrote there) counts as nothing.
TAKE: Final = """
local each, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local room = burst * each
local whole_at = tonumber(redis.call('GET', KEYS[1]) or now)
if not whole_at or not (whole_at >= now and whole_at <= now + room) then
  whole_at = now
end
whole_at = whole_at + math.max(cost, 1) * each
local excess = whole_at - now - room
if excess > 0 then
  return math.ceil(excess)
end
if cost > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', whole_at), 'PX', math.ceil((whole_at - now) / 1000))
end
return 0
"""


class RedisRateLimiter:
    """Counts in Redis, each time with one call; without Redis `local` counts, so that there is a limit."""

    def __init__(
        self, client: Redis, settings: RedisSettings, local: RateLimiter, telemetry: Telemetry | None = None
    ) -> None:
        self._client = client
        self._take = client.register_script(TAKE)
        self._key_prefix = settings.key_prefix
        self._local = local
        self._calls = RedisCalls("rate limits", settings, telemetry.rate_limit_calls if telemetry else None)

    async def check(self, limit: Limit, subject: str, cost: int = 1) -> None:
        if limit.per_minute <= 0:
            return
        excess = await self._calls.run("take", lambda: self._ask(limit, subject, cost))
        if not isinstance(excess, int):
            await self._local.check(limit, subject, cost)
        elif excess > 0:
            raise TooManyRequests(excess / MICROSECONDS)

    async def ping(self) -> bool:
        """Return whether Redis answers; it is not asked while it is left alone."""
        return await self._calls.run("ping", self._ping) is not None

    async def _ping(self) -> object:
        answer: object = await self._client.ping()
        return answer

    async def _ask(self, limit: Limit, subject: str, cost: int) -> object:
        key = f"{self._key_prefix}:limit:{limit.key(subject)}"
        each = round(limit.seconds_each * MICROSECONDS)
        answer: object = await self._take(keys=[key], args=[each, limit.burst, cost])
        return answer


@contextlib.asynccontextmanager
async def open_redis_rate_limiter(
    settings: RedisSettings, local: RateLimiter, telemetry: Telemetry | None = None
) -> AsyncIterator[RedisRateLimiter]:
    """Yield a limiter that connects when it is first used; that Redis is down is no error."""
    async with open_redis(settings) as client:
        yield RedisRateLimiter(client, settings, local, telemetry)

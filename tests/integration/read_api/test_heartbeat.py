import asyncio
from typing import Any

from read_api.holder import PageHolder
from service_kit.ai_horde_state import HordeState, write_horde_state
from service_kit.memory_cache import MemoryCache
from service_kit.redis_cache import open_redis_cache
from support.fault_proxy import FaultProxy
from support.read_clients import AiohttpClient, Client, application_over
from support.servers import RedisServer

HEARTBEAT = "/api/heartbeat"
NOTHING_BAD = {"degraded": False, "consecutive_failures": 0, "seconds_until_retry": None}
REST = HordeState(degraded=True, consecutive_failures=7, retry_at=2_000_000_000.0)


async def until_degraded(client: Client, *, degraded: bool) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            body: dict[str, Any] = await (await client.get(HEARTBEAT)).json()
            if body["ai_horde"]["degraded"] is degraded:
                return body
            await asyncio.sleep(0.02)


async def test_heartbeat_shows_what_the_stats_service_tells(aiohttp_client: AiohttpClient) -> None:
    holder, cache = PageHolder(), MemoryCache()
    client = await aiohttp_client(application_over(holder))
    assert await (await client.get(HEARTBEAT)).json() == {"status": "ok", "ai_horde": NOTHING_BAD}

    holder.use_cache(cache)
    await write_horde_state(cache, REST)
    body = await until_degraded(client, degraded=True)
    assert list(body["ai_horde"]) == list(NOTHING_BAD)
    assert body["ai_horde"]["consecutive_failures"] == 7
    assert body["ai_horde"]["seconds_until_retry"] > 0

    await write_horde_state(cache, HordeState())
    assert await until_degraded(client, degraded=False) == {"status": "ok", "ai_horde": NOTHING_BAD}


async def test_cache_that_went_away_says_nothing_bad_and_delays_nobody(
    redis_server: RedisServer, aiohttp_client: AiohttpClient
) -> None:
    async with FaultProxy(*redis_server.address) as proxy:
        settings = redis_server.settings()
        hasty = {"key_prefix": settings.key_prefix, "call_timeout_seconds": 1.0, "pause_seconds": 0.1}
        async with (
            open_redis_cache(settings) as told,
            open_redis_cache(redis_server.settings(port=proxy.port, **hasty)) as cache,
        ):
            await write_horde_state(told, REST)
            holder = PageHolder()
            holder.use_cache(cache)
            client = await aiohttp_client(application_over(holder))
            await until_degraded(client, degraded=True)
            proxy.blackhole()
            known = await (await client.get(HEARTBEAT)).json()
            assert known["ai_horde"]["degraded"]  # the answer did not wait until the cache was given up
            assert (await until_degraded(client, degraded=False))["ai_horde"] == NOTHING_BAD

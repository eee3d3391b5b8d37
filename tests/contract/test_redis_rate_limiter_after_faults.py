"""Redis down, frozen or foreign: the limits of this process count, in bounded time, until it is back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from service_kit.errors import TooManyRequests
from service_kit.rate_limit import Limit, LocalRateLimiter, RateLimiter
from service_kit.redis_rate_limiter import RedisRateLimiter, open_redis_rate_limiter
from service_kit.settings import RedisSettings
from service_kit.telemetry import Telemetry
from support.metrics import sample
from support.nodes import free_ports
from support.server_nodes import RedisServerNode
from support.servers import RedisServer, private_redis, started

TIMES = {"connect_timeout_seconds": 20.0, "call_timeout_seconds": 20.0, "pause_seconds": 0.3}
LIMIT = Limit("test", 60, 2)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RedisServerNode]:
    with started(partial(private_redis, tmp_path)) as node:
        yield node


def settings_for(port: int, **changes: object) -> RedisSettings:
    url = SecretStr(f"redis://127.0.0.1:{port}/0")
    return RedisSettings.model_validate({"url": url, **TIMES, **changes})


@pytest.fixture
async def limiter(node: RedisServerNode) -> AsyncIterator[RedisRateLimiter]:
    async with open_redis_rate_limiter(settings_for(node.port), LocalRateLimiter()) as limiter:
        yield limiter


async def allowed(limiter: RateLimiter, count: int, subject: str = "a") -> list[bool]:
    outcomes = []
    for _ in range(count):
        try:
            await limiter.check(LIMIT, subject)
        except TooManyRequests:
            outcomes.append(False)
        else:
            outcomes.append(True)
    return outcomes


async def test_instances_share_one_limit(node: RedisServerNode) -> None:
    settings = settings_for(node.port)
    async with (
        open_redis_rate_limiter(settings, LocalRateLimiter()) as one,
        open_redis_rate_limiter(settings, LocalRateLimiter()) as other,
    ):
        assert await allowed(one, 1) == [True]
        assert await allowed(other, 2) == [True, False]
        assert await allowed(one, 1) == [False]


async def test_without_a_server_there_is_still_a_limit() -> None:
    settings = settings_for(free_ports(1)[0])
    async with open_redis_rate_limiter(settings, LocalRateLimiter()) as limiter:
        assert await allowed(limiter, 3) == [True, True, False]


async def test_killed_server_is_replaced_at_once_and_used_again_after_its_return(
    limiter: RedisRateLimiter, node: RedisServerNode
) -> None:
    assert await allowed(limiter, 3) == [True, True, False]
    node.kill()
    assert await allowed(limiter, 3) == [True, True, False]
    node.start()
    await asyncio.sleep(TIMES["pause_seconds"] + 0.05)
    assert await allowed(limiter, 3) == [True, True, False]
    async with Redis.from_url(node.url) as client:
        assert await client.dbsize() == 1


async def test_frozen_server_costs_one_bounded_wait(node: RedisServerNode) -> None:
    telemetry = Telemetry("test")
    settings = settings_for(node.port, call_timeout_seconds=0.5, pause_seconds=60)
    async with open_redis_rate_limiter(settings, LocalRateLimiter(), telemetry) as limiter:
        node.freeze()
        async with asyncio.timeout(20):
            assert await allowed(limiter, 3, "b") == [True, True, False]
            await allowed(limiter, 100, "c")
    counted = partial(sample, telemetry, "rate_limit_call_seconds_count", operation="take")
    assert (counted(outcome="failed"), counted(outcome="left alone")) == (1, 102)


async def test_server_that_wants_a_password_is_replaced(tmp_path: Path) -> None:
    with private_redis(tmp_path, arguments=["--requirepass", "secret"]) as node:
        async with open_redis_rate_limiter(settings_for(node.port), LocalRateLimiter()) as limiter:
            assert await allowed(limiter, 3) == [True, True, False]


@pytest.mark.parametrize("foreign", ["no number", "9" * 40, "-5", "nan", "inf"])
async def test_value_that_cannot_be_locks_nobody_out(redis_server: RedisServer, foreign: str) -> None:
    settings = redis_server.settings()
    async with Redis.from_url(redis_server.url) as client:
        await client.set(f"{settings.key_prefix}:limit:{LIMIT.key('a')}", foreign, px=60_000)
    async with open_redis_rate_limiter(settings, LocalRateLimiter()) as limiter:
        assert await allowed(limiter, 3) == [True, True, False]


async def test_keys_in_redis_end_by_themselves_and_do_not_tell_the_subject(redis_server: RedisServer) -> None:
    settings = redis_server.settings()
    async with open_redis_rate_limiter(settings, LocalRateLimiter()) as limiter:
        await limiter.check(LIMIT, "203.0.113.7")
    async with Redis.from_url(redis_server.url) as client:
        (key,) = await client.keys(f"{settings.key_prefix}:*")
        assert 0 < await client.pttl(key) <= 1000
    assert b"203.0.113.7" not in key


async def test_calls_are_measured(redis_server: RedisServer) -> None:
    telemetry = Telemetry("test")
    async with open_redis_rate_limiter(redis_server.settings(), LocalRateLimiter(), telemetry) as limiter:
        await limiter.check(LIMIT, "a")
    assert b'rate_limit_call_seconds_count{operation="take",outcome="ok"} 1.0' in telemetry.render()

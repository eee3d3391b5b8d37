"""Redis down, frozen, slow, foreign: bounded time, nothing raised, found again later."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from service_kit.redis_cache import RedisCache, open_redis_cache
from service_kit.settings import RedisSettings
from service_kit.telemetry import Telemetry
from support.fault_proxy import FaultProxy
from support.metrics import sample
from support.nodes import free_ports
from support.server_nodes import RedisServerNode
from support.servers import RedisServer, private_redis, started

TIMES = {"connect_timeout_seconds": 20.0, "call_timeout_seconds": 20.0, "pause_seconds": 0.3}
HASTY_SECONDS = 0.3  # the limit of a call where the server hangs
LIMIT_SECONDS = 10.0  # for a call that has to wait; without its limit it would not end


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RedisServerNode]:
    with started(partial(private_redis, tmp_path)) as node:
        yield node


def settings_for(port: int, **changes: object) -> RedisSettings:
    url = SecretStr(f"redis://127.0.0.1:{port}/0")
    return RedisSettings.model_validate({"url": url, **TIMES, **changes})


@pytest.fixture
async def cache(node: RedisServerNode) -> AsyncIterator[RedisCache]:
    async with open_redis_cache(settings_for(node.port)) as cache:
        yield cache


def hasty_settings(port: int, **changes: object) -> RedisSettings:
    return settings_for(port, **{"call_timeout_seconds": HASTY_SECONDS, **changes})


async def seconds_of_a_miss(cache: RedisCache) -> float:
    started = time.monotonic()
    assert await cache.get_many(["a", "b"]) == [None, None]
    return time.monotonic() - started


async def until_found(cache: RedisCache, value: bytes) -> None:
    async with asyncio.timeout(60):
        while await cache.get_many(["a"]) != [value]:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


def calls(telemetry: Telemetry, outcome: str, operation: str = "get") -> float:
    return sample(telemetry, "cache_call_seconds_count", operation=operation, outcome=outcome)


async def test_server_that_was_never_there_is_tried_once() -> None:
    telemetry = Telemetry("test")
    async with open_redis_cache(settings_for(free_ports(1)[0], pause_seconds=60), telemetry) as cache:
        assert await seconds_of_a_miss(cache) < LIMIT_SECONDS
        await cache.set_many({"a": b"1"}, ttl_seconds=60)
        await seconds_of_a_miss(cache)
    assert (calls(telemetry, "failed"), calls(telemetry, "left alone")) == (1, 1)
    assert calls(telemetry, "left alone", "set") == 1


async def test_killed_server_is_a_miss_and_found_again_after_its_return(
    cache: RedisCache, node: RedisServerNode
) -> None:
    await cache.set_many({"a": b"1"}, ttl_seconds=60)
    node.kill()
    assert await seconds_of_a_miss(cache) < LIMIT_SECONDS
    node.start()
    await asyncio.sleep(TIMES["pause_seconds"] + 0.05)
    await cache.set_many({"a": b"2"}, ttl_seconds=60)
    assert await cache.get_many(["a"]) == [b"2"]


async def test_frozen_server_costs_one_bounded_wait(node: RedisServerNode) -> None:
    telemetry = Telemetry("test")
    async with open_redis_cache(hasty_settings(node.port, pause_seconds=60), telemetry) as cache:
        node.freeze()
        assert await seconds_of_a_miss(cache) < LIMIT_SECONDS
        await seconds_of_a_miss(cache)
        assert (calls(telemetry, "failed"), calls(telemetry, "left alone")) == (1, 1)


async def test_frozen_server_is_found_again(cache: RedisCache, node: RedisServerNode) -> None:
    await cache.set_many({"a": b"1"}, ttl_seconds=60)
    async with open_redis_cache(hasty_settings(node.port)) as hasty:
        await until_found(hasty, b"1")
        node.freeze()
        await seconds_of_a_miss(hasty)
        node.thaw()
        await until_found(hasty, b"1")


async def test_many_callers_of_a_frozen_server_wait_at_the_same_time(node: RedisServerNode) -> None:
    async with open_redis_cache(hasty_settings(node.port, call_timeout_seconds=1.0)) as cache:
        node.freeze()
        started = time.monotonic()
        answers = await asyncio.gather(*(cache.get_many(["a"]) for _ in range(200)))
    assert answers == [[None]] * 200
    assert time.monotonic() - started < 8  # as many at a time as there are connections: 20 s


async def test_after_the_pause_one_caller_tries_and_the_others_do_not_wait(node: RedisServerNode) -> None:
    telemetry = Telemetry("test")
    async with open_redis_cache(hasty_settings(node.port), telemetry) as cache:
        node.freeze()
        await seconds_of_a_miss(cache)
        await asyncio.sleep(TIMES["pause_seconds"] + 0.05)
        assert await asyncio.gather(*(cache.get_many(["a"]) for _ in range(5))) == [[None]] * 5
    assert (calls(telemetry, "failed"), calls(telemetry, "left alone")) == (2, 4)


async def test_answer_slower_than_the_limit_is_a_miss(cache: RedisCache, node: RedisServerNode) -> None:
    await cache.set_many({"a": b"1"}, ttl_seconds=60)
    proxied = FaultProxy("127.0.0.1", node.port)
    async with proxied as proxy, open_redis_cache(hasty_settings(proxy.port)) as slowly:
        await until_found(slowly, b"1")
        proxy.delay_seconds = 60.0
        assert await seconds_of_a_miss(slowly) < LIMIT_SECONDS
        proxy.heal()
        await until_found(slowly, b"1")


async def test_connection_cut_in_the_middle_of_a_value_is_a_miss(node: RedisServerNode) -> None:
    proxied = FaultProxy("127.0.0.1", node.port)
    async with proxied as proxy, open_redis_cache(settings_for(proxy.port)) as cache:
        await cache.set_many({"a": b"x" * 100_000}, ttl_seconds=60)
        proxy.cut_answers_after(50_000)
        assert await cache.get_many(["a"]) == [None]


async def test_server_that_wants_a_password_is_a_miss(tmp_path: Path) -> None:
    with private_redis(tmp_path, arguments=["--requirepass", "secret"]) as node:
        async with open_redis_cache(settings_for(node.port)) as cache:
            await cache.set_many({"a": b"1"}, ttl_seconds=60)
            assert await cache.get_many(["a"]) == [None]


async def test_server_that_is_no_redis_is_a_miss() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, open_redis_cache(settings_for(server.sockets[0].getsockname()[1])) as cache:
        assert await cache.get_many(["a"]) == [None]


async def test_full_server_that_refuses_writes_still_answers_reads(tmp_path: Path) -> None:
    limits = ["--maxmemory", "1", "--maxmemory-policy", "noeviction"]
    with private_redis(tmp_path, arguments=limits) as node:
        async with open_redis_cache(settings_for(node.port)) as cache:
            await cache.set_many({"a": b"1"}, ttl_seconds=60)
            assert await cache.get_many(["a"]) == [None]


@pytest.mark.parametrize("foreign", [b"", b"plain", b"hmr1\x00\x00\x00\x00damaged", b"\x00" * 20])
async def test_value_of_another_program_or_a_damaged_one_is_a_miss(
    redis_server: RedisServer, foreign: bytes
) -> None:
    settings = redis_server.settings()
    async with Redis.from_url(redis_server.url) as client:
        await client.set(f"{settings.key_prefix}:a", foreign, px=60_000)
    async with open_redis_cache(settings) as cache:
        assert await cache.get_many(["a"]) == [None]


async def test_key_that_holds_no_text_is_a_miss(redis_server: RedisServer) -> None:
    settings = redis_server.settings()
    async with Redis.from_url(redis_server.url) as client:
        await client.lpush(f"{settings.key_prefix}:a", "a list")
        await client.pexpire(f"{settings.key_prefix}:a", 60_000)
    async with open_redis_cache(settings) as cache:
        assert await cache.get_many(["a"]) == [None]


async def test_failures_are_counted_and_the_password_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    telemetry = Telemetry("test")
    url = SecretStr(f"redis://:very-secret@127.0.0.1:{free_ports(1)[0]}/0")
    settings = settings_for(1, url=url, pause_seconds=60)
    with caplog.at_level("DEBUG"):
        async with open_redis_cache(settings, telemetry) as cache:
            await cache.get_many(["a"])
            await cache.get_many(["a"])
    assert b'cache_call_seconds_count{operation="get",outcome="failed"} 1.0' in telemetry.render()
    assert b'cache_call_seconds_count{operation="get",outcome="left alone"} 1.0' in telemetry.render()
    assert "going on without it" in caplog.text
    assert "very-secret" not in caplog.text

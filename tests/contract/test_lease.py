"""What every lease does, over every adapter."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from service_kit.lease import Held, Lease, MemoryLease, Table
from service_kit.redis_lease import open_redis_lease
from service_kit.stores import open_lease
from service_kit.telemetry import Telemetry
from support.metrics import sample
from support.server_nodes import RedisServerNode
from support.servers import RedisServer, private_redis, started

Opener = Callable[[pytest.FixtureRequest], contextlib.AbstractAsyncContextManager[tuple[Lease, Lease]]]


@contextlib.asynccontextmanager
async def two_in_memory(_: pytest.FixtureRequest) -> AsyncIterator[tuple[Lease, Lease]]:
    table: Table = {}
    yield MemoryLease(table), MemoryLease(table)


@contextlib.asynccontextmanager
async def two_in_redis(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Lease, Lease]]:
    settings = request.getfixturevalue("redis_server").settings()
    async with open_redis_lease(settings) as one, open_redis_lease(settings) as other:
        yield one, other


ADAPTERS: dict[str, Opener] = {"memory": two_in_memory, "redis": two_in_redis}


@pytest.fixture(params=ADAPTERS)
async def leases(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Lease, Lease]]:
    async with ADAPTERS[request.param](request) as leases:
        yield leases


async def test_free_lease_is_taken_by_the_first_and_by_nobody_else(leases: tuple[Lease, Lease]) -> None:
    one, other = leases
    assert await one.hold("a", seconds=60) is Held.HERE
    assert await other.hold("a", seconds=60) is Held.ELSEWHERE
    assert await one.hold("a", seconds=60) is Held.HERE


async def test_leases_of_different_names_do_not_matter_to_each_other(leases: tuple[Lease, Lease]) -> None:
    one, other = leases
    assert await one.hold("a", seconds=60) is Held.HERE
    assert await other.hold("b", seconds=60) is Held.HERE
    await other.release("b")
    assert await other.hold("a", seconds=60) is Held.ELSEWHERE


async def test_lease_is_free_after_its_time(leases: tuple[Lease, Lease]) -> None:
    one, other = leases
    await one.hold("a", seconds=0.05)
    await asyncio.sleep(0.1)
    assert await other.hold("a", seconds=60) is Held.HERE
    assert await one.hold("a", seconds=60) is Held.ELSEWHERE


async def test_lease_that_is_held_on_lasts_longer(leases: tuple[Lease, Lease]) -> None:
    one, other = leases
    await one.hold("a", seconds=0.05)
    assert await one.hold("a", seconds=60) is Held.HERE
    await asyncio.sleep(0.1)
    assert await other.hold("a", seconds=60) is Held.ELSEWHERE


async def test_released_lease_is_free_at_once(leases: tuple[Lease, Lease]) -> None:
    one, other = leases
    await one.hold("a", seconds=60)
    await one.release("a")
    assert await other.hold("a", seconds=60) is Held.HERE


async def test_lease_of_another_cannot_be_released(leases: tuple[Lease, Lease]) -> None:
    one, other = leases
    await one.hold("a", seconds=60)
    await other.release("a")
    assert await other.hold("a", seconds=60) is Held.ELSEWHERE


async def test_release_of_what_nobody_holds_does_nothing(leases: tuple[Lease, Lease]) -> None:
    await leases[0].release("a")
    assert await leases[1].hold("a", seconds=60) is Held.HERE


async def test_claim_succeeds_once_in_its_time_also_here(leases: tuple[Lease, Lease]) -> None:
    one, other = leases
    assert await one.claim("a", seconds=60) is Held.HERE
    assert await one.claim("a", seconds=60) is Held.ELSEWHERE
    assert await other.claim("a", seconds=60) is Held.ELSEWHERE


async def test_claims_do_not_prolong_each_other(leases: tuple[Lease, Lease]) -> None:
    one, other = leases
    await one.claim("a", seconds=1)
    assert await one.claim("a", seconds=60) is Held.ELSEWHERE
    await asyncio.sleep(1.05)
    assert await other.claim("a", seconds=60) is Held.HERE


async def test_race_has_one_winner(leases: tuple[Lease, Lease]) -> None:
    outcomes = await asyncio.gather(*(lease.claim("a", seconds=60) for lease in leases * 20))
    assert sorted(outcome.name for outcome in outcomes) == ["ELSEWHERE"] * 39 + ["HERE"]


@pytest.mark.parametrize("name", ["with space", "line\r\nend", "\u00e4\U0001f600", ""])
async def test_any_text_is_a_name(leases: tuple[Lease, Lease], name: str) -> None:
    assert await leases[0].hold(name, seconds=60) is Held.HERE
    assert await leases[1].hold(name, seconds=60) is Held.ELSEWHERE


async def test_without_redis_configured_the_lease_is_always_here(redis_server: RedisServer) -> None:
    settings = redis_server.settings(use_redis=False)
    async with open_lease(settings) as one, open_lease(settings) as other:
        assert await one.hold("a", seconds=60) is Held.HERE
        assert await other.hold("a", seconds=60) is Held.HERE


async def test_redis_chosen_by_the_settings_is_shared(redis_server: RedisServer) -> None:
    settings, telemetry = redis_server.settings(), Telemetry("test")
    async with open_lease(settings, telemetry) as one, open_lease(settings) as other:
        assert await one.hold("a", seconds=60) is Held.HERE
        assert await other.hold("a", seconds=60) is Held.ELSEWHERE
    assert sample(telemetry, "cache_call_seconds_count", operation="take lease", outcome="ok") == 1


async def test_killed_redis_makes_it_unknown_and_a_new_one_is_used_again(tmp_path: Path) -> None:
    with started(partial(private_redis, tmp_path)) as node:
        await lease_through_a_death(node)


async def lease_through_a_death(node: RedisServerNode) -> None:
    settings = RedisServer(node.url).settings(pause_seconds=0.1)
    async with open_redis_lease(settings) as lease:
        assert await lease.hold("a", seconds=60) is Held.HERE
        node.kill()
        assert await lease.hold("a", seconds=60) is Held.UNKNOWN
        assert await lease.claim("b", seconds=60) is Held.UNKNOWN
        await lease.release("a")
        node.start()
        await asyncio.sleep(0.15)
        assert await lease.hold("a", seconds=60) is Held.HERE


async def test_lease_in_redis_ends_by_itself(redis_server: RedisServer) -> None:
    settings = redis_server.settings()
    async with open_redis_lease(settings) as lease, Redis.from_url(redis_server.url) as client:
        await lease.hold("a", seconds=60)
        assert 0 < await client.pttl(f"{settings.key_prefix}:lease:a") <= 60_000

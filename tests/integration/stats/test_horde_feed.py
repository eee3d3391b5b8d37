"""The feed of live figures against the fake AI-Horde, with its faults, and a real Redis."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service_kit.ai_horde_state import read_horde_state
from service_kit.lease import Held
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.redis_lease import open_redis_lease
from service_kit.stores import open_cache
from service_kit.telemetry import Telemetry
from stats.domain.runtime import HordeKind
from stats.horde.client import MAX_BODY_BYTES
from stats.horde.feed import HordeUnavailable, RuntimeFeed
from stats.horde.instance import REFRESHER
from stats.horde.timing import Timing
from support.metrics import sample
from support.nodes import free_ports
from support.reference_data import requires_shared
from support.runtime_feeds import HURRY, INTERVAL_SECONDS, a_feed, eventually, is_all, marks, some_feeds
from support.server_nodes import RedisServerNode
from support.servers import RedisServer, private_redis, started
from support.stats_nodes import CALLS_OF_A_REFRESH, FakeHordeNode

pytestmark = requires_shared

IMAGE, TEXT = HordeKind.IMAGE, HordeKind.TEXT
NOBODY = f"http://127.0.0.1:{free_ports(1)[0]}/api/"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHordeNode]:
    with FakeHordeNode(tmp_path_factory.mktemp("horde")) as node:
        yield node


@pytest.fixture
async def horde(node: FakeHordeNode) -> AsyncIterator[FakeHordeNode]:
    await node.controls.reset()
    yield node
    await node.controls.reset()


def have_the_same(feeds: list[RuntimeFeed], kind: HordeKind) -> bool:
    return len({feed.snapshot(kind).published_at for feed in feeds}) == 1


async def test_every_source_of_both_kinds_is_received_with_the_right_questions(horde: FakeHordeNode) -> None:
    async with a_feed(horde.url) as feed:
        await eventually(lambda: is_all(feed, "fresh"))
        await eventually(lambda: feed.is_leader)
    assert set(await horde.controls.calls()) == {
        "/v2/status/models?model_state=all&type=image",
        "/v2/status/models?model_state=all&type=text",
        "/v2/stats/img/models?model_state=known",
        "/v2/stats/text/models",
        "/v2/workers?type=image",
        "/v2/workers?type=text",
    }


@pytest.mark.parametrize("ending", ["/api", "/api/"])
async def test_address_works_with_and_without_a_slash_at_its_end(horde: FakeHordeNode, ending: str) -> None:
    async with a_feed(horde.url.removesuffix("/api/") + ending) as feed:
        assert not (await feed.wait_for(TEXT, 60)).is_empty


async def test_first_request_waits_for_the_figures_and_has_all_of_them(horde: FakeHordeNode) -> None:
    patient = replace(Timing.of_interval(600), partial_seconds=60.0)
    async with a_feed(horde.url, timing=patient) as feed:
        await asyncio.gather(*(feed.wait_for(kind, 60) for kind in HordeKind for _ in range(20)))
        assert is_all(feed, "fresh")
    assert await horde.controls.count() == CALLS_OF_A_REFRESH


async def test_four_instances_ask_no_more_often_than_one(
    horde: FakeHordeNode, redis_server: RedisServer
) -> None:
    async with some_feeds(4, horde.url, redis_server.settings()) as feeds:
        await eventually(lambda: all(is_all(feed, "fresh") for feed in feeds))
        rounds, intervals = await rounds_from_now(horde, 8 * INTERVAL_SECONDS)
        await eventually(lambda: sum(feed.is_leader for feed in feeds) == 1)
    assert 1 <= rounds <= 1.5 * intervals + 2  # each for itself: four in an interval


async def rounds_from_now(horde: FakeHordeNode, seconds: float) -> tuple[float, float]:
    """Return how many rounds of questions come in so long a time, or a little longer, and its intervals."""
    begun, before = time.monotonic(), await horde.controls.count()
    await horde.controls.until_more_calls(CALLS_OF_A_REFRESH)
    await asyncio.sleep(begun + seconds - time.monotonic())
    rounds = (await horde.controls.count() - before) / CALLS_OF_A_REFRESH
    return rounds, (time.monotonic() - begun) / INTERVAL_SECONDS


async def test_instances_have_the_same_figures(horde: FakeHordeNode, redis_server: RedisServer) -> None:
    async with some_feeds(4, horde.url, redis_server.settings()) as feeds:
        await eventually(lambda: all(is_all(feed, "fresh") for feed in feeds))
        for kind in HordeKind:
            await eventually(partial(have_the_same, feeds, kind))
            assert all(feed.snapshot(kind) == feeds[0].snapshot(kind) for feed in feeds)


async def test_followers_hear_of_new_figures_by_the_event(
    horde: FakeHordeNode, redis_server: RedisServer
) -> None:
    redis, bus = redis_server.settings(), MemoryEventBus()
    patient = replace(HURRY, look_seconds=600, lease_seconds=1200)
    async with a_feed(horde.url, redis, bus) as leader:
        await eventually(lambda: is_all(leader, "fresh") and leader.is_leader)
        async with a_feed(horde.url, redis, bus, timing=patient) as follower:
            heard: list[HordeKind] = []
            follower.on_snapshot(heard.append)
            await eventually(lambda: heard.count(IMAGE) >= 3 and heard.count(TEXT) >= 3)


async def test_place_of_a_dead_leader_is_taken(horde: FakeHordeNode, redis_server: RedisServer) -> None:
    redis = redis_server.settings()
    async with open_redis_lease(redis) as dead:
        held_at = time.monotonic()
        assert await dead.hold(REFRESHER, seconds=1) is Held.HERE
        async with some_feeds(3, horde.url, redis) as feeds:
            await eventually(lambda: any(feed.is_leader for feed in feeds))
            assert time.monotonic() - held_at >= 1
            await eventually(lambda: all(is_all(feed, "fresh") for feed in feeds))
            await eventually(lambda: sum(feed.is_leader for feed in feeds) == 1)


FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "503 with HTML": {"status": 503, "body": "<html>down for maintenance</html>"},
    "429": {"status": 429},
    "404": {"status": 404},
    "redirect": {"status": 302, "headers": {"Location": "/api/v2/status/heartbeat"}},
    "HTML": {"garbage": True},
    "half a body": {"truncate": True},
    "no answer": {"drop": True},
    "silence": {"hang": True},
    "another shape": {"status": 200, "body": {"message": "OK"}},
    "only odd entries": {"status": 200, "body": [1, "x", {"id": 5}]},
}
LIMITS = {"silence": 0.3}
"""The time limit of a call, where the fault is that no answer comes."""


@pytest.mark.parametrize("fault", FAULTS)
async def test_last_good_figures_stay_through_a_fault_of_everything(horde: FakeHordeNode, fault: str) -> None:
    async with a_feed(horde.url, horde_api_timeout=LIMITS.get(fault, 20.0)) as feed:
        await eventually(lambda: is_all(feed, "fresh"))
        good = feed.snapshot(IMAGE)
        await horde.controls.break_with(FAULTS[fault])
        await eventually(lambda: is_all(feed, "stale"))
        last = await feed.wait_for(IMAGE, 0)
        assert last.status is not None
        assert good.status is not None
        assert last.status.value == good.status.value
        await eventually(lambda: feed.state.degraded)
        await horde.controls.heal()
        await eventually(lambda: is_all(feed, "fresh"))
        assert not feed.state.degraded


@pytest.mark.parametrize("fault", FAULTS)
async def test_fault_of_one_source_concerns_that_source_alone(horde: FakeHordeNode, fault: str) -> None:
    await horde.controls.break_with({"path": "/v2/stats/text/*", **FAULTS[fault]})
    async with a_feed(horde.url, horde_api_timeout=LIMITS.get(fault, 20.0)) as feed:
        others = {"image status", "image usage", "image workers", "text status", "text workers"}
        await eventually(lambda: {name for name, mark in marks(feed).items() if mark == "fresh"} == others)
        assert marks(feed)["text usage"] == "missing"
        await horde.controls.heal()
        await eventually(lambda: is_all(feed, "fresh"))


async def test_some_failures_are_made_good_by_trying_again(horde: FakeHordeNode) -> None:
    telemetry, lasting = Telemetry("stats"), replace(HURRY, stale_seconds=600.0)
    async with a_feed(horde.url, timing=lasting, telemetry=telemetry) as feed:
        await eventually(lambda: is_all(feed, "fresh"))
        seen: set[str] = set()
        feed.on_snapshot(lambda _: seen.update(marks(feed).values()))
        await horde.controls.break_with({"path": "/v2/workers", "status": 502, "every": 2})
        await eventually(lambda: sample(telemetry, "retries_total", neighbour="ai-horde") >= 3)
        assert seen == {"fresh"}


async def test_slow_answers_are_awaited(horde: FakeHordeNode) -> None:
    await horde.controls.break_with({"path": "/v2/stats/text/*", "delay": 1.5})
    async with a_feed(horde.url) as feed:
        assert (await feed.wait_for(TEXT, 60)).usage is None
        await eventually(lambda: is_all(feed, "fresh"))


async def test_horde_that_asks_for_a_rest_gets_it(horde: FakeHordeNode) -> None:
    async with a_feed(horde.url) as feed:
        await eventually(lambda: is_all(feed, "fresh"))
        await horde.controls.break_with({"status": 429, "retry_after": 60})
        await eventually(lambda: is_all(feed, "stale"))
        calls = await horde.controls.count()
        await asyncio.sleep(3 * INTERVAL_SECONDS)
        assert await horde.controls.count() == calls


async def test_empty_usage_does_not_replace_a_good_one_and_empty_lists_do(horde: FakeHordeNode) -> None:
    async with a_feed(horde.url) as feed:
        await eventually(lambda: is_all(feed, "fresh"))
        await horde.controls.break_with({"empty": True})
        await eventually(lambda: marks(feed)["image usage"] == "stale")
        snapshot = feed.snapshot(IMAGE)
        assert snapshot.usage is not None
        assert snapshot.status is not None
        assert snapshot.usage.value
        assert (snapshot.status.value, snapshot.status.stale) == ((), False)
        assert not feed.state.degraded


async def test_odd_entries_are_left_out_counted_and_shown(horde: FakeHordeNode) -> None:
    lines = [{"name": "A", "count": 1, "queued": 5.5, "jobs": 1.5, "later": {}}, {"count": 3}, None]
    await horde.controls.break_with({"path": "/v2/status/models", "status": 200, "body": lines})
    telemetry = Telemetry("stats")
    async with a_feed(horde.url, telemetry=telemetry) as feed:
        status = (await feed.wait_for(IMAGE, 60)).status
        assert status is not None
        assert [(line.name, line.queued) for line in status.value] == [("A", 5.5)]
        assert status.skipped == 2
        assert sample(telemetry, "horde_entries_skipped", kind="image", source="status") == 2


async def test_metrics_tell_calls_ages_and_failures(horde: FakeHordeNode) -> None:
    telemetry = Telemetry("stats")
    async with a_feed(horde.url, telemetry=telemetry) as feed:
        assert sample(telemetry, "horde_figures_missing", kind="text", source="usage") == 1
        await eventually(lambda: is_all(feed, "fresh"))
        of = {"kind": "text", "source": "usage"}
        assert sample(telemetry, "horde_figures_missing", **of) == 0
        assert 0 < sample(telemetry, "horde_figures_age_seconds", **of) < 60
        assert sample(telemetry, "horde_figures_stale", **of) == 0
        assert sample(telemetry, "horde_call_seconds_count", operation="text usage", outcome="ok") >= 1
        await eventually(lambda: sample(telemetry, "horde_refresher") == 1)
        await horde.controls.break_with({"status": 500})
        await eventually(lambda: sample(telemetry, "horde_breaker_open") == 1)
        assert sample(telemetry, "horde_consecutive_failures") >= 5
        assert sample(telemetry, "horde_figures_stale", **of) == 1
        labels = {"operation": "text usage", "outcome": "HordeCallFailed"}
        assert sample(telemetry, "horde_call_seconds_count", **labels) >= 3


async def test_nobody_there_is_told_to_every_request_at_once_and_to_other_services(
    redis_server: RedisServer,
) -> None:
    redis = redis_server.settings()
    async with some_feeds(2, NOBODY, redis) as feeds, asyncio.timeout(60):
        for feed in feeds * 3:
            with pytest.raises(HordeUnavailable) as caught:
                await feed.wait_for(TEXT, 600)
            assert int(caught.value.headers["Retry-After"]) >= 1
        async with open_cache(redis) as cache:
            state = await read_horde_state(cache)
    assert state is not None
    assert state.degraded


async def test_horde_that_was_just_started_is_seen_by_the_first_request(tmp_path: Path) -> None:
    horde = FakeHordeNode(tmp_path)
    lazy = replace(HURRY, cold_rest_seconds=600)
    async with a_feed(horde.url, timing=lazy) as feed:
        with pytest.raises(HordeUnavailable):
            await feed.wait_for(TEXT, 60)
        with horde:
            assert not (await feed.wait_for(TEXT, 60)).is_empty
            assert is_all(feed, "fresh")


async def test_silent_horde_costs_a_request_no_more_than_its_time(horde: FakeHordeNode) -> None:
    await horde.controls.break_with({"hang": True})
    async with a_feed(horde.url, horde_api_timeout=600) as feed, asyncio.timeout(60):
        with pytest.raises(HordeUnavailable):
            await feed.wait_for(IMAGE, 0.5)


async def test_horde_that_dies_and_comes_back_is_followed_again(tmp_path: Path) -> None:
    with FakeHordeNode(tmp_path) as horde:
        async with a_feed(horde.url) as feed:
            await eventually(lambda: is_all(feed, "fresh"))
            horde.kill()
            await eventually(lambda: is_all(feed, "stale"))
            horde.start()
            await eventually(lambda: is_all(feed, "fresh"))


async def test_new_instance_has_the_figures_although_the_horde_is_dead(
    horde: FakeHordeNode, redis_server: RedisServer
) -> None:
    redis = redis_server.settings()
    async with a_feed(horde.url, redis) as feed:
        last = await feed.wait_for(TEXT, 60)
    async with a_feed(NOBODY, redis) as feed:
        again = await feed.wait_for(TEXT, 60)
        assert again.usage is not None
        assert last.usage is not None
        assert again.usage.value == last.usage.value
        await eventually(lambda: is_all(feed, "stale"))


async def test_redis_that_dies_and_comes_back_neither_stops_nor_multiplies_anything(
    horde: FakeHordeNode, tmp_path: Path
) -> None:
    with started(partial(private_redis, tmp_path)) as redis_node:
        await feeds_through_a_death(horde, redis_node)


async def feeds_through_a_death(horde: FakeHordeNode, redis_node: RedisServerNode) -> None:
    redis = RedisServer(redis_node.url).settings(pause_seconds=0.1)
    async with some_feeds(4, horde.url, redis) as feeds:
        await eventually(lambda: all(is_all(feed, "fresh") for feed in feeds))
        redis_node.kill()
        await eventually(lambda: not any(feed.is_leader for feed in feeds))
        rounds, intervals = await rounds_from_now(horde, 10 * INTERVAL_SECONDS)
        assert 1 <= rounds <= 1.5 * intervals + 2
        assert all(not feed.snapshot(kind).is_empty for feed in feeds for kind in HordeKind)
        redis_node.start()
        await eventually(lambda: sum(feed.is_leader for feed in feeds) == 1)
        await eventually(partial(have_the_same, feeds, TEXT))
        await eventually(lambda: all(is_all(feed, "fresh") for feed in feeds))


async def test_answer_beyond_all_bounds_is_a_failure() -> None:
    bomb = gzip.compress(b"[%s]" % (b" " * MAX_BODY_BYTES), compresslevel=1)

    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
        )

    application = web.Application()
    application.router.add_get("/v2/status/models", answer)
    async with TestServer(application) as server, a_feed(str(server.make_url("/"))) as feed:
        with pytest.raises(HordeUnavailable):
            await feed.wait_for(IMAGE, 60)

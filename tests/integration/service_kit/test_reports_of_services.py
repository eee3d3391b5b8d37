"""What each service says of itself on the bus: heard by somebody who subscribed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from horde_model_reference.events import InstanceReported, parse_event
from service_kit.check_standings import CheckStandings
from service_kit.lease import MemoryLease
from service_kit.memory_cache import MemoryCache
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.neighbour_checks import neighbour_checks
from service_kit.rabbit_event_bus import open_rabbit_bus
from service_kit.rate_limit import LocalRateLimiter
from service_kit.redis_cache import open_redis_cache
from service_kit.redis_rate_limiter import open_redis_rate_limiter
from service_kit.settings import RedisSettings
from service_kit.telemetry import Telemetry
from stats.app import create_app as create_stats
from stats.opening import Neighbours
from stats.settings import StatsSettings
from support.contents import a_record
from support.event_listeners import PATIENCE_SECONDS, Listener, eventually, listening
from support.fault_proxy import FaultProxy
from support.histories import Past
from support.reference_data import requires_shared
from support.servers import RabbitServer, RedisServer
from support.serving import serving
from support.some_figures import some_figures
from support.sync_world import sync_world
from sync_worker.app import create_app as create_sync_worker
from write_queue.app import create_app as create_write_queue
from write_queue.settings import WriteQueueSettings

IMAGES = "image_generation"
ROLES = {"requestor_ids": ("101",)}


def reports(listener: Listener) -> list[InstanceReported]:
    found = [parse_event(message.routing_key, message.body) for message in listener.messages]
    return [report for report in found if isinstance(report, InstanceReported)]


async def told(listener: Listener, is_so: Callable[[InstanceReported], bool]) -> InstanceReported:
    await eventually(lambda: any(is_so(report) for report in reports(listener)))
    return next(report for report in reports(listener) if is_so(report))


async def a_past() -> Past:
    past = Past()
    await past.seed({IMAGES: {name: a_record(IMAGES, name) for name in ("Flux", "Old")}})
    return past


async def test_write_queue_reports_its_queue_and_roles_and_its_stop(tmp_path: Path) -> None:
    past, bus = await a_past(), MemoryEventBus()
    settings = WriteQueueSettings.model_validate(
        {"data_dir": tmp_path, "access_log": False, "pending_queue": ROLES}
    )
    application = create_write_queue(
        settings,
        store_opener=lambda *_: contextlib.nullcontext(past.store),
        bus_opener=lambda *_: contextlib.nullcontext(bus),
        limiter_opener=lambda *_: contextlib.nullcontext(LocalRateLimiter()),
        on_unusable=lambda _: None,
    )
    async with listening(bus, "instance.reported") as listener:
        async with serving(application):
            report = await told(listener, lambda one: one.state == "running")
        await told(listener, lambda one: one.state == "stopping")

    assert (report.service, report.parts, report.revision, report.sequence) == (
        "write-queue",
        ("write-queue",),
        1,
        1,
    )
    assert {check.name for check in report.checks} == {"queue", "seeding", "store"}
    assert {check.name: check.ok for check in report.checks}.items() >= {"queue": True, "store": True}.items()
    assert report.queue is not None
    assert (report.queue.pending, report.queue.approved) == (0, 0)
    assert report.roles is not None
    assert (report.roles.requestor, report.roles.approver) == (True, False)


async def test_stats_reports_the_age_of_its_figures_and_how_the_ai_horde_answers() -> None:
    past, bus = await a_past(), MemoryEventBus()

    @contextlib.asynccontextmanager
    async def opened(_settings: StatsSettings, _telemetry: Telemetry) -> AsyncIterator[Neighbours]:
        yield Neighbours(past.store, MemoryCache(), bus, MemoryLease({}))

    async with some_figures() as horde, listening(bus, "instance.reported") as listener:
        values: dict[str, Any] = {"AI_HORDE_URL": horde.url, "access_log": False}
        application = create_stats(StatsSettings(data_dir=Path("/nowhere"), **values), opener=opened)
        async with serving(application):
            report = await told(listener, lambda one: bool(one.latencies) and one.state == "running")

    assert (report.service, report.revision) == ("stats", 1)
    assert {check.name for check in report.checks} == {"results", "ai_horde", "store"}
    assert report.latencies["ai_horde"] >= 0
    figures = {fact.kind: fact for fact in report.figures}
    assert set(figures) == {"image", "text"}
    assert figures["image"].received_at is not None
    assert figures["image"].stale is False


@requires_shared
async def test_sync_worker_reports_its_repositories_and_what_waits(rabbit_server: RabbitServer) -> None:
    amqp = rabbit_server.settings()
    async with sync_world() as world, open_rabbit_bus(amqp) as bus:
        settings = world.settings(CATEGORIES_TO_SYNC="blip, clip").model_copy(
            update={"access_log": False, "amqp": amqp}
        )
        application = create_sync_worker(settings, patience=world.patience())
        async with listening(bus, "instance.reported") as listener:
            async with serving(application):
                report = await told(
                    listener, lambda one: one.work is not None and one.repositories[0].compared_at is not None
                )
            await told(listener, lambda one: one.state == "stopping")

    [repository] = report.repositories
    assert repository.source == "image"
    assert (report.service, report.state, repository.failed_runs) == ("sync-worker", "running", 0)
    assert repository.revision == report.revision
    assert "github" in report.latencies
    assert report.work is not None
    assert (report.work.waiting, report.work.dead_letters) == (0, 0)
    assert {check.name: check.required for check in report.checks} == {"image": False, "events": False}


def cache_on(settings: RedisSettings) -> AbstractAsyncContextManager[object]:
    return open_redis_cache(settings)


def limits_on(settings: RedisSettings) -> AbstractAsyncContextManager[object]:
    return open_redis_rate_limiter(settings, LocalRateLimiter())


@pytest.mark.parametrize("opener", [cache_on, limits_on])
async def test_redis_is_asked_and_missed_when_it_is_gone(
    redis_server: RedisServer, opener: Callable[[RedisSettings], AbstractAsyncContextManager[object]]
) -> None:
    async with (
        FaultProxy(*redis_server.address) as proxy,
        opener(redis_server.settings(port=proxy.port, pause_seconds=0.05)) as client,
    ):
        standings = CheckStandings(tuple(neighbour_checks(redis=client)))
        await standings.run()
        [before] = standings.known
        proxy.refuse()
        await standings.run()
        [gone] = standings.known
        proxy.heal()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not standings.known[0].ok:
                await asyncio.sleep(0.05)
                await standings.run()

    assert (before.name, before.ok) == ("cache", True)
    assert before.seconds is not None
    assert (gone.ok, gone.last_error) == (False, "the shared cache does not answer")

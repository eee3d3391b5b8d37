"""The service: health, metrics and events, with a broker and without (sync.md section 12)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from horde_model_reference.events import CatalogCommitted, parse_event
from service_kit.rabbit_event_bus import open_rabbit_bus
from service_kit.settings import AmqpSettings, SettingsInvalid
from support.amqp_probe import read_dead_letters
from support.event_listeners import eventually, listening
from support.reference_data import requires_shared
from support.servers import RabbitServer
from support.serving import Client, serving
from support.sync_world import SyncWorld, sync_world
from sync_worker.app import create_app
from sync_worker.intake import work_queue

pytestmark = requires_shared

CATEGORIES = "blip, clip"
QUICK = {"QUIET_SECONDS": 0.05, "FIRST_RETRY_SECONDS": 0.05, "MAX_RETRY_SECONDS": 0.1}


@pytest.fixture
async def world() -> AsyncIterator[SyncWorld]:
    async with sync_world() as world:
        yield world


@contextlib.asynccontextmanager
async def worker(world: SyncWorld, amqp: AmqpSettings | None = None, **changes: Any) -> AsyncIterator[Client]:
    changes = {"CATEGORIES_TO_SYNC": CATEGORIES, "WATCH_INTERVAL_SECONDS": 0.05, **QUICK, **changes}
    settings = world.settings(**changes).model_copy(update={"access_log": False})
    if amqp is not None:
        settings = settings.model_copy(update={"amqp": amqp})
    async with serving(create_app(settings, patience=world.patience())) as client:
        yield client


async def health(client: Client) -> tuple[int, Any]:
    answer = await client.ask("/ready")
    return answer.status, answer.json


async def until_ready(client: Client, status: int = 200) -> Any:
    async with asyncio.timeout(60):
        while (found := await health(client))[0] != status:  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.02)
    return found[1]


async def until_metric(client: Client, line: str) -> None:
    async with asyncio.timeout(60):
        while line not in (await client.ask("/metrics")).body.decode().splitlines():  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.02)


def change(world: SyncWorld, category: str = "clip") -> None:
    name = next(iter(world.primary.newest[category]))
    world.primary.change(category, name, description=f"Revision {world.primary.head + 1}.")


async def test_worker_is_ready_after_its_first_comparison(world: SyncWorld) -> None:
    async with worker(world) as client:
        body = await until_ready(client)
        assert (await client.ask("/live")).status == 200
    assert body["checks"] == {"image": "ok", "events": "ok"}
    image = body["repositories"]["image"]
    assert image["failures_in_a_row"] == 0
    assert image["last_success"] == image["last_run"]["at"]
    assert image["last_run"]["drift"] == {"blip": 0, "clip": 0}
    assert image["last_run"]["pull_request"] is None


async def test_worker_shows_the_open_pull_request(world: SyncWorld) -> None:
    change(world)
    async with worker(world) as client:
        body = await until_ready(client)
    run = body["repositories"]["image"]["last_run"]
    [pull] = world.open_pulls()
    assert run["pull_request"]["number"] == pull.number
    assert run["pull_request"]["branch"] == pull.head
    assert (run["drift"]["clip"], run["result"], run["revision"]) == (1, "opened", 2)


async def test_emptied_primary_makes_the_worker_unready_and_raises_the_metric(world: SyncWorld) -> None:
    world.primary.newest["clip"].clear()
    async with worker(world) as client:
        await eventually(lambda: len(world.primary.asked) >= 4)
        body = await until_ready(client, 503)
        while "clip" not in body["checks"]["image"]:
            body = await until_ready(client, 503)
        metrics = (await client.ask("/metrics")).body.decode()
    assert "sync_failures_total{" in metrics
    assert body["repositories"]["image"]["failures_in_a_row"] >= 1
    assert world.github.writes() == []


async def test_worker_recovers_by_itself_when_github_is_back(world: SyncWorld) -> None:
    change(world)
    world.github.fault(status=503, count=30)
    async with worker(world) as client:
        await until_ready(client, 503)
        await eventually(lambda: len(world.open_pulls()) == 1)
        await until_ready(client)


async def test_worker_without_a_broker_asks_the_primary(world: SyncWorld) -> None:
    async with worker(world) as client:
        await until_ready(client)
        change(world)
        await eventually(lambda: len(world.open_pulls()) == 1)


async def test_worker_survives_a_primary_that_does_not_answer_for_a_while(world: SyncWorld) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=503)

    async with worker(world) as client:
        await until_ready(client)
        world.primary.fault = refuse
        asked = len(world.primary.asked)
        await eventually(lambda: len(world.primary.asked) > asked + 1)
        world.primary.fault = None
        change(world)
        await eventually(lambda: len(world.open_pulls()) == 1)


async def test_worker_in_a_dry_run_compares_only(world: SyncWorld) -> None:
    change(world)
    async with worker(world, DRY_RUN=True, GITHUB_TOKEN="") as client:
        body = await until_ready(client)
    assert body["repositories"]["image"]["last_run"]["result"] == "compared"
    assert world.github.writes() == []


async def test_worker_without_credentials_is_not_even_built(world: SyncWorld) -> None:
    with pytest.raises(SettingsInvalid):
        create_app(world.settings(GITHUB_TOKEN=""))


def committed(revision: int) -> CatalogCommitted:
    return CatalogCommitted(
        occurred_at=datetime.now(UTC) + timedelta(seconds=5),
        sequence=revision,
        revision=revision,
        kind="applied",
    )


async def test_event_of_the_broker_becomes_a_pull_request_and_an_event(
    world: SyncWorld, rabbit_server: RabbitServer
) -> None:
    amqp = rabbit_server.settings()
    queue = work_queue(amqp.exchange).name
    async with (
        open_rabbit_bus(amqp) as bus,
        listening(bus, "sync.*") as listener,
        worker(world, amqp, WATCH_INTERVAL_SECONDS=3600) as client,
    ):
        await until_ready(client)
        await until_metric(client, f'event_bus_attached{{session="{queue}"}} 1.0')
        change(world)
        event = committed(2)
        bus.publish(event.routing_key, event.render())
        await eventually(lambda: len(world.open_pulls()) == 1)
        await listener.heard(2)
    events = [parse_event(message.routing_key, message.body) for message in listener.messages]
    told = [(type(event).__name__, getattr(event, "revision", None)) for event in events]
    assert told[0] == ("SyncCompleted", 1)
    assert ("SyncCompleted", 2) in told
    assert getattr(events[-1], "pull_number", None) == 1


async def test_event_that_comes_while_no_worker_runs_is_not_lost(
    world: SyncWorld, rabbit_server: RabbitServer
) -> None:
    amqp = rabbit_server.settings()
    queue = work_queue(amqp.exchange).name
    handled = f'events_received_total{{outcome="handled",subscription="{queue}"}} 1.0'
    async with open_rabbit_bus(amqp) as bus:
        async with worker(world, amqp) as client:
            await until_metric(client, f'event_bus_attached{{session="{queue}"}} 1.0')
        change(world)
        bus.publish(committed(2).routing_key, committed(2).render())
        async with worker(world, amqp) as client:
            await until_metric(client, handled)
    assert len(world.open_pulls()) == 1


async def test_event_that_no_run_succeeds_for_is_parked_in_the_dead_letters(
    world: SyncWorld, rabbit_server: RabbitServer
) -> None:
    amqp = rabbit_server.settings()
    queue = work_queue(amqp.exchange)
    async with open_rabbit_bus(amqp) as bus, worker(world, amqp) as client:
        await until_metric(client, f'event_bus_attached{{session="{queue.name}"}} 1.0')
        bus.publish(CatalogCommitted.routing_key, b"no event")
        await until_metric(
            client, f'events_received_total{{outcome="invalid",subscription="{queue.name}"}} 1.0'
        )
    assert await read_dead_letters(amqp, queue, 1) == [b"no event"]

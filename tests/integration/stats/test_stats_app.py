"""The stats service as it runs: with a journal, an AI-Horde, and others of its kind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from horde_model_reference.events import CatalogCommitted
from horde_model_reference.meta_consts import ReplicateMode
from service_kit.lease import MemoryLease, Table
from service_kit.memory_cache import MemoryCache
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.object_store import ObjectStore
from service_kit.settings import SettingsInvalid
from service_kit.telemetry import Telemetry
from stats.app import NeighboursOpener, create_app
from stats.opening import Neighbours
from stats.settings import StatsSettings
from support.contents import SEED_TIME, a_record
from support.faulty_store import FaultyStore
from support.histories import Past
from support.memory_store import MemoryObjectStore
from support.serving import Client, serving
from support.some_figures import SomeFigures, some_figures

IMAGES = "image_generation"
STATISTICS = "/api/model_references/statistics"
RISK = f"{STATISTICS}/{IMAGES}/deletion-risk"
WORLD = {IMAGES: {name: a_record(IMAGES, name) for name in ("Flux", "Old")}}
NOWHERE = "http://127.0.0.1:1/api/"


class Around:
    """What instances share."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self.cache, self.bus = MemoryCache(), MemoryEventBus()
        self.leases: Table = {}

    @property
    def opener(self) -> NeighboursOpener:
        @contextlib.asynccontextmanager
        async def opened(_settings: StatsSettings, _telemetry: Telemetry) -> AsyncIterator[Neighbours]:
            yield Neighbours(self.store, self.cache, self.bus, MemoryLease(self.leases))

        return opened


def settings_for(url: str = NOWHERE, **more: Any) -> StatsSettings:
    given: dict[str, Any] = {"head_poll_seconds": 60, "access_log": False, "AI_HORDE_URL": url, **more}
    return StatsSettings(data_dir=Path("/nowhere"), **given)


def running(
    around: Around, url: str = NOWHERE, **more: Any
) -> contextlib.AbstractAsyncContextManager[Client]:
    return serving(create_app(settings_for(url, **more), opener=around.opener))


@pytest.fixture
async def figures() -> AsyncIterator[SomeFigures]:
    async with some_figures() as horde:
        yield horde


async def until(client: Client, path: str, status: int = 200) -> Any:
    async with asyncio.timeout(60):
        while (answer := await client.ask(path, headers={"Accept-Encoding": "identity"})).status != status:  # noqa: ASYNC110 - it is the server
            await asyncio.sleep(0.01)
    return answer.json


async def seeded() -> Past:
    past = Past()
    await past.seed(WORLD)
    return past


async def test_it_serves_what_journal_and_ai_horde_say(figures: SomeFigures) -> None:
    async with running(Around((await seeded()).store), figures.url) as client:
        answer = await until(client, RISK)

    assert [(one["name"], one["usage_month"]) for one in answer["models"]] == [("Flux", 20), ("Old", 0)]
    assert answer["reference_revision"] == 1


async def test_it_is_ready_with_a_catalogue_although_the_ai_horde_is_away() -> None:
    async with running(Around((await seeded()).store)) as client:
        await until(client, "/ready")
        statistics = await until(client, f"{STATISTICS}/{IMAGES}")
        risk = await client.ask(RISK)
        checks = (await client.ask("/ready")).json["checks"]

    assert statistics["total_models"] == 2
    assert (risk.status, int(risk.headers["Retry-After"]) >= 1) == (502, True)
    assert (checks["results"], "failed" in checks["ai_horde"]) == ("ok", True)


async def test_it_starts_while_the_store_is_away() -> None:
    store = FaultyStore(MemoryObjectStore())
    store.down = True
    async with running(Around(store)) as client:
        ready = await client.ask("/ready")
        statistics = await client.ask(f"{STATISTICS}/clip")
        alive = await client.ask("/live")

    assert (alive.status, ready.status, statistics.status) == (200, 503, 503)


async def test_an_empty_journal_has_no_statistics() -> None:
    async with running(Around(MemoryObjectStore())) as client:
        await until(client, "/ready")
        answer = await client.ask(f"{STATISTICS}/clip")

    assert (answer.status, answer.headers["X-Revision"]) == (404, "0")


async def test_an_event_brings_a_new_revision_long_before_the_interval(figures: SomeFigures) -> None:
    past = await seeded()
    around = Around(past.store)
    async with running(around, figures.url) as client:
        await until(client, RISK)
        await past.apply({IMAGES: {"New": a_record(IMAGES, "New")}})
        event = CatalogCommitted(
            occurred_at=SEED_TIME, sequence=past.state.sequence, revision=past.state.revision, kind="applied"
        )
        around.bus.publish(event.routing_key, event.render())

        async with asyncio.timeout(60):
            while (await until(client, RISK))["reference_revision"] != past.state.revision:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_revision_that_a_request_demands_is_looked_for(figures: SomeFigures) -> None:
    past = await seeded()
    async with running(Around(past.store), figures.url) as client:
        await until(client, RISK)
        await past.apply({IMAGES: {"New": a_record(IMAGES, "New")}})

        answer = await client.ask(
            RISK, headers={"X-Min-Revision": str(past.state.revision), "Accept-Encoding": "identity"}
        )

    assert (answer.status, answer.json["reference_revision"]) == (200, past.state.revision)


async def test_two_instances_answer_the_same_and_ask_once(figures: SomeFigures) -> None:
    around = Around((await seeded()).store)
    paths = (RISK, f"{STATISTICS}/{IMAGES}/with-stats", f"/api/model_references/v2/{IMAGES}/popular")
    async with running(around, figures.url) as first, running(around, figures.url) as second:
        for client in (first, second):
            await until(client, RISK)
        answers = [[await client.ask(path) for path in paths] for client in (first, second)]

    assert [one.body for one in answers[0]] == [one.body for one in answers[1]]
    assert [one.headers["ETag"] for one in answers[0]] == [one.headers["ETag"] for one in answers[1]]
    assert figures.calls == 6


async def test_an_ai_horde_that_fails_later_leaves_its_figures(figures: SomeFigures) -> None:
    async with running(Around((await seeded()).store), figures.url, horde_api_cache_ttl=0.2) as client:
        before = await until(client, RISK)
        figures.is_broken = True
        calls = figures.calls
        async with asyncio.timeout(60):
            while figures.calls < calls + 6:  # noqa: ASYNC110 - it is on the other side
                await asyncio.sleep(0.01)
        after = await until(client, RISK)

    assert after["models"] == before["models"]


async def test_metrics_tell_what_is_served(figures: SomeFigures) -> None:
    async with running(Around((await seeded()).store), figures.url) as client:
        await until(client, RISK)
        metrics = (await client.ask("/metrics", headers={"Accept-Encoding": "identity"})).body.decode()

    lines = metrics.splitlines()
    assert "stats_revision 1.0" in lines
    assert "stats_stale 0.0" in lines
    assert f'stats_models{{category="{IMAGES}"}} 2.0' in lines
    assert f'horde_threads{{category="{IMAGES}"}} 4.0' in lines
    assert any(line.startswith(f'stats_results_age_seconds{{category="{IMAGES}"}}') for line in lines)
    assert any(line.startswith("stats_build_seconds_count") for line in lines)
    route = 'route="/api/model_references/statistics/{model_category_name}/deletion-risk"'
    assert any(route in line for line in lines)


async def test_history_is_answered(figures: SomeFigures) -> None:
    async with running(Around((await seeded()).store), figures.url) as client:
        await until(client, RISK)
        known = await until(client, f"{STATISTICS}/{IMAGES}/history?model=Flux")
        unknown = await client.ask(f"{STATISTICS}/{IMAGES}/history?model=nobody")

    assert (known["model"], unknown.status) == ("Flux", 404)


def test_a_replica_has_no_journal_to_follow() -> None:
    with pytest.raises(SettingsInvalid, match="REPLICATE_MODE"):
        create_app(settings_for(replicate_mode=ReplicateMode.REPLICA))

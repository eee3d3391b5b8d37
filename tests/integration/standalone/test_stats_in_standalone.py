"""The statistics as a part of the whole service, as PRIMARY and as REPLICA, in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from horde_model_reference.meta_consts import ReplicateMode
from service_kit.errors import NotReady
from standalone.app import create_app
from standalone.settings import StandaloneSettings
from standalone.statistics import first_of
from support.contents import a_record
from support.histories import Past
from support.served_pasts import V2, ServedPast, served
from support.serving import Answer, Client, serving
from support.some_figures import SomeFigures, some_figures
from support.sources import SAMPLE

IMAGES = "image_generation"
STATISTICS = "/api/model_references/statistics"
RISK = f"{STATISTICS}/{IMAGES}/deletion-risk"
NOWHERE = "http://127.0.0.1:1/api/"
WORLD = {IMAGES: {name: a_record(IMAGES, name) for name in ("Flux", "Old")}}


def ignore(*_: object) -> None:
    """Take what would be announced."""


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


@contextlib.asynccontextmanager
async def standing_alone(data_dir: Path, url: str = NOWHERE, **more: Any) -> AsyncIterator[Client]:
    given: dict[str, Any] = {"access_log": False, "AI_HORDE_URL": url, **more}
    settings = StandaloneSettings(data_dir=data_dir, **given)
    async with serving(create_app(settings, on_ready=ignore, on_unusable=unexpected)) as client:
        yield client


def a_replica(
    data_dir: Path, primary: ServedPast, url: str = NOWHERE
) -> contextlib.AbstractAsyncContextManager[Client]:
    return standing_alone(
        data_dir,
        url,
        replicate_mode=ReplicateMode.REPLICA,
        primary_api_url=f"http://127.0.0.1:{primary.client.port}/api",
        enable_github_fallback=False,
        cache_ttl_seconds=0.1,
    )


async def ask(client: Client, path: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.ask(path, headers={"Accept-Encoding": "identity", **named})


async def until(client: Client, path: str, status: int = 200) -> Answer:
    async with asyncio.timeout(60):
        while (answer := await ask(client, path)).status != status:  # noqa: ASYNC110 - it is the server
            await asyncio.sleep(0.01)
    return answer


@pytest.fixture
async def figures() -> AsyncIterator[SomeFigures]:
    async with some_figures() as horde:
        yield horde


async def test_a_primary_serves_catalogue_and_statistics(data_dir: Path, figures: SomeFigures) -> None:
    figures.serve("image", "Sample Meadow", threads=3)
    async with standing_alone(data_dir, figures.url, seed_dir=SAMPLE) as client:
        await until(client, f"{V2}/{IMAGES}")
        statistics = await until(client, f"{STATISTICS}/{IMAGES}")
        live = await until(client, f"{STATISTICS}/{IMAGES}/with-stats")
        popular = await until(client, f"{V2}/{IMAGES}/popular?limit=1")

    assert statistics.json["total_models"] == len(live.json) > 1
    assert live.json["Sample Meadow"]["worker_count"] == 3
    assert [one["name"] for one in popular.json] == ["Sample Meadow"]
    assert statistics.headers["X-Revision"] == live.headers["X-Revision"] == "1"


async def test_a_primary_without_the_ai_horde_serves_the_rest(data_dir: Path) -> None:
    async with standing_alone(data_dir, seed_dir=SAMPLE) as client:
        await until(client, f"{STATISTICS}/{IMAGES}")
        refused = [await ask(client, f"{STATISTICS}/{IMAGES}/{end}") for end in ("with-stats", "audit")]
        ready = await ask(client, "/ready")
        heartbeat = await ask(client, "/api/heartbeat")

    assert [one.status for one in refused] == [502, 502]
    assert ready.status == 200
    assert ready.json["checks"]["ai_horde"] != "ok"
    assert (heartbeat.status, heartbeat.json["status"]) == (200, "ok")


async def test_a_demanded_revision_counts_for_statistics_too(data_dir: Path) -> None:
    async with standing_alone(data_dir, seed_dir=SAMPLE, min_revision_wait_seconds=0.1) as client:
        await until(client, f"{STATISTICS}/{IMAGES}")
        there = await ask(client, f"{STATISTICS}/{IMAGES}", X_Min_Revision="1")
        not_there = await ask(client, f"{STATISTICS}/{IMAGES}", X_Min_Revision="2")

    assert (there.status, not_there.status) == (200, 503)


async def test_history_of_a_primary_is_answered(data_dir: Path, figures: SomeFigures) -> None:
    async with standing_alone(data_dir, figures.url, seed_dir=SAMPLE) as client:
        await until(client, RISK)
        answer = await ask(client, f"{STATISTICS}/{IMAGES}/history")

    assert (answer.status, answer.json["category"]) == (200, IMAGES)


async def test_a_replica_computes_statistics_of_what_it_has(data_dir: Path, figures: SomeFigures) -> None:
    past = Past()
    await past.seed(WORLD)
    async with served(past) as primary, a_replica(data_dir, primary, figures.url) as client:
        answer = await until(client, RISK)
        more = {IMAGES: {**WORLD[IMAGES], "New": a_record(IMAGES, "New")}}
        revision = str(await past.apply(more))
        newer = await ask(client, RISK, X_Min_Revision=revision)
        statistics = await ask(client, f"{STATISTICS}/{IMAGES}", X_Min_Revision=revision)

    assert [(one["name"], one["worker_count"]) for one in answer.json["models"]] == [("Flux", 4), ("Old", 0)]
    assert (newer.json["reference_revision"], newer.json["total_count"]) == (int(revision), 3)
    assert (statistics.json["total_models"], statistics.headers["X-Revision"]) == (3, revision)


async def test_a_replica_says_with_statistics_that_its_primary_is_gone(
    data_dir: Path, figures: SomeFigures
) -> None:
    past = Past()
    await past.seed(WORLD)
    async with contextlib.AsyncExitStack() as stack:
        primary = await stack.enter_async_context(served(past))
        async with a_replica(data_dir, primary, figures.url) as client:
            await until(client, RISK)
            await stack.aclose()
            async with asyncio.timeout(60):
                while "X-Stale" not in (answer := await ask(client, RISK)).headers:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

    assert (answer.status, answer.headers["X-Revision"]) == (200, "1")


async def test_a_replica_without_a_disk_has_statistics_but_no_history(
    tmp_path: Path, figures: SomeFigures
) -> None:
    no_folder = tmp_path / "file"
    await asyncio.to_thread(no_folder.write_bytes, b"")
    past = Past()
    await past.seed(WORLD)
    async with served(past) as primary, a_replica(no_folder / "data", primary, figures.url) as client:
        assert (await until(client, RISK)).json["total_count"] == 2
        history = await ask(client, f"{STATISTICS}/{IMAGES}/history")

    assert history.status == 503


async def test_a_replica_without_anything_says_so(data_dir: Path) -> None:
    async with standing_alone(
        data_dir,
        replicate_mode=ReplicateMode.REPLICA,
        primary_api_url=NOWHERE.rstrip("/"),
        enable_github_fallback=False,
    ) as client:
        assert (await ask(client, f"{STATISTICS}/{IMAGES}")).status == NotReady.status


def test_the_first_shortcut_that_knows_a_request_answers_it() -> None:
    known = {"a": "first", "b": "second"}

    def knowing(path: str) -> Any:
        return lambda request: known[path] if request == path else None

    shortcut: Any = first_of(knowing("a"), knowing("b"))

    assert [shortcut(path) for path in ("a", "b", "c")] == ["first", "second", None]

"""The statistics of the distributed system, while its neighbours and its own instances fail."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from stack.child import Child
from support.reference_data import SHARED, requires_shared
from support.serving import Answer
from support.stats_nodes import CALLS_OF_A_REFRESH, EVERYTHING_FAILS
from support.stats_stack import (
    POPULAR,
    REFRESH_SECONDS,
    RISK,
    STATISTICS,
    WITH_STATS,
    StatsStack,
    eventually,
    stats_stack,
)

pytestmark = [
    requires_shared,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(400),
]

INSTANCES = 4
PATHS = (
    f"{STATISTICS}/image_generation",
    f"{STATISTICS}/text_generation?group_text_models=true",
    WITH_STATS,
    f"{STATISTICS}/text_generation/with-stats?include_workers=true&include_backend_variations=true",
    RISK,
    f"{RISK}?group_text_models=true&preset=critical&limit=7&offset=3",
    f"{STATISTICS}/image_generation/audit",
    POPULAR,
)
HEARTBEAT = "/api/heartbeat"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StatsStack]:
    async with stats_stack(tmp_path_factory.mktemp("stats"), stats=INSTANCES) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def running(shared_stack: StatsStack) -> StatsStack:
    """Return the stack with fresh figures, and without faults."""
    await shared_stack.horde.controls.reset()
    for proxy in shared_stack.stack.neighbours.proxies.values():
        proxy.heal()
    await shared_stack.until_fresh(after=0)
    return shared_stack


@contextlib.asynccontextmanager
async def read_all_the_while(running: StatsStack, *paths: str) -> AsyncIterator[list[Answer]]:
    """Ask the gateway for paths in turn, without its cache, while the body runs; yield the answers."""
    answers: list[Answer] = []

    async def read() -> None:
        while True:
            for path in paths:
                answers.append(await running.get(path, apikey="nobody's"))
                await asyncio.sleep(0.02)

    task = asyncio.create_task(read())
    try:
        yield answers
    finally:
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError), outcome


def statuses(answers: list[Answer]) -> set[int]:
    assert len(answers) > 5
    return {answer.status for answer in answers}


async def told(running: StatsStack, path: str) -> list[tuple[int, str | None, bytes]]:
    """Return what each instance says."""
    answers = await running.everywhere(path)
    assert len(answers) == INSTANCES
    return [(answer.status, answer.headers.get("ETag"), answer.body) for answer in answers]


async def test_all_instances_give_the_same_bytes_and_validators(running: StatsStack) -> None:
    running.horde.freeze()  # so that no new figures come between
    try:

        async def agree() -> bool:
            return all([len(set(await told(running, path))) == 1 for path in PATHS])

        await eventually(agree)  # each builds new results at a pace of its own
    finally:
        running.horde.thaw()
    for path in PATHS:
        status, tag, body = (await told(running, path))[0]
        assert (status, tag is not None, len(body) > 100) == (200, True, True)


@pytest.mark.parametrize("path", PATHS)
async def test_answers_come_through_the_gateway_with_their_validator(running: StatsStack, path: str) -> None:
    async def is_known() -> bool:  # new figures may come between
        answer = await running.get(path)
        assert answer.status == 200
        assert int(answer.headers["X-Revision"]) >= 1
        assert "X-Stale" not in answer.headers
        again = await running.get(path, If_None_Match=answer.headers["ETag"])
        return (again.status, again.body) == (304, b"")

    await eventually(is_known)


async def test_instances_do_not_multiply_the_calls(running: StatsStack) -> None:
    await running.horde.controls.reset()
    begun = time.monotonic()
    async with read_all_the_while(running, *PATHS) as answers:
        await running.horde.controls.until_more_calls(4 * CALLS_OF_A_REFRESH)
    seconds = time.monotonic() - begun
    calls = await running.horde.controls.calls()

    assert statuses(answers) == {200}
    assert len(calls) == CALLS_OF_A_REFRESH, calls
    # one refresh at each interval, give or take its tenth; four instances would make four times as many
    assert max(calls.values()) <= seconds / (0.9 * REFRESH_SECONDS) + 1.5, calls
    assert max(calls.values()) - min(calls.values()) <= 1, calls


async def test_killed_instances_are_not_missed_and_another_one_refreshes(running: StatsStack) -> None:
    async with read_all_the_while(running, RISK, WITH_STATS, POPULAR) as answers:
        for child in running.stack.stats:  # one of them is the one that asks the AI-Horde
            await child.kill()
            killed = time.time()

            async def has_newer_figures(since: float = killed) -> bool:
                return all(one["fetched_at"] > since for one in (await running.runtime()).values())

            await eventually(has_newer_figures)
            await child.start()
    assert statuses(answers) == {200}
    await running.until_fresh(after=time.time() - 5)


async def test_last_answer_is_served_when_every_instance_is_gone(running: StatsStack) -> None:
    before = await running.get(WITH_STATS)
    children: list[Child] = running.stack.stats
    await asyncio.gather(*(child.kill() for child in children))
    try:
        await asyncio.sleep(1.1)
        stale = await running.get(WITH_STATS)
        never_asked = await running.get(f"{RISK}?limit=19")
        other = await running.get("/api/model_references/v2/clip")
    finally:
        await asyncio.gather(*(child.start() for child in children))
    assert (stale.status, stale.headers["X-Stale"]) == (200, "true")
    assert list(stale.json) == list(before.json)
    assert (never_asked.status, other.status) == (502, 200)
    answer = await running.get(WITH_STATS)
    assert (answer.status, "X-Stale" in answer.headers) == (200, False)


@pytest.mark.parametrize(("name", "fault"), [("redis", "blackhole"), ("rabbit", "blackhole")])
async def test_neighbour_that_cannot_be_reached_costs_no_answer(
    running: StatsStack, name: str, fault: str
) -> None:
    proxy = next(proxy for other, proxy in running.stack.neighbours.proxies.items() if other == name)
    break_it: Callable[[], None] = getattr(proxy, fault)
    async with read_all_the_while(running, *PATHS) as answers:
        break_it()
        await asyncio.sleep(4 * REFRESH_SECONDS)
        proxy.heal()
        await running.until_fresh(after=time.time())
    assert statuses(answers) == {200}


async def test_redis_that_comes_back_empty_costs_no_figures(running: StatsStack) -> None:
    async with read_all_the_while(running, *PATHS) as answers:
        await running.stack.neighbours.kill("redis")
        await asyncio.sleep(REFRESH_SECONDS)
        await running.stack.neighbours.start("redis")
        await running.until_fresh(after=time.time())
    assert statuses(answers) == {200}


async def test_isolated_instances_ask_no_more_often_together_than_one_does_else(running: StatsStack) -> None:
    proxy = running.stack.neighbours.proxies["redis"]
    proxy.refuse()
    try:
        await asyncio.sleep(REFRESH_SECONDS)
        await running.horde.controls.reset()
        async with read_all_the_while(running, *PATHS) as answers:
            await asyncio.sleep(10 * REFRESH_SECONDS)
        calls = await running.horde.controls.calls()
    finally:
        proxy.heal()
    assert statuses(answers) == {200}
    assert max(calls.values(), default=0) <= 10 / 0.9 + 1, calls


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 429, "retry_after": 1},
        {"hang": True},
    ],
    ids=json.dumps,
)
async def test_source_that_fails_becomes_stale_and_recovers(
    running: StatsStack, fault: dict[str, object]
) -> None:
    async def is_stale() -> bool:
        return bool((await running.runtime())["usage"]["stale"])

    async def is_fresh() -> bool:
        return not await is_stale()

    await eventually(is_fresh)  # the gateway may still have an answer of before
    used = (await running.get(f"{RISK}?limit=1")).json["models"][0]
    async with read_all_the_while(running, RISK, WITH_STATS, POPULAR) as answers:
        await running.horde.controls.break_with({"path": "/v2/stats/text/models", **fault})
        await eventually(is_stale)
        answer = (await running.get(f"{RISK}?limit=1")).json
        assert not answer["runtime"]["status"]["stale"]
        assert answer["models"][0]["name"] == used["name"]
        assert answer["models"][0]["usage_month"] == used["usage_month"]
        await running.horde.controls.heal()
        await running.until_fresh(after=0)
    assert statuses(answers) == {200}


async def test_usage_that_comes_empty_is_not_believed(running: StatsStack) -> None:
    empty: dict[str, object] = {"day": {}, "month": {}, "total": {}}
    used = (await running.get(f"{RISK}?limit=1")).json["category_total_month_usage"]
    await running.horde.controls.break_with(
        {"path": "/v2/stats/text/models", "status": 200, "body": empty},
    )
    await running.horde.controls.until_more_calls(3 * CALLS_OF_A_REFRESH)
    assert (await running.get(f"{RISK}?limit=1&offset=1")).json["category_total_month_usage"] == used


async def test_new_use_of_a_model_is_seen_everywhere(running: StatsStack) -> None:
    name = (await running.get(f"{STATISTICS}/image_generation/deletion-risk")).json["models"][-1]["name"]
    await running.horde.controls.use("image", name, day=1, month=987654, total=987654)
    path = f"{STATISTICS}/image_generation/deletion-risk?limit=1"

    async def is_told() -> bool:
        answers = await running.everywhere(path)
        return {answer.json["models"][0]["usage_month"] for answer in answers} == {987654}

    await eventually(is_told)


async def test_model_that_is_removed_disappears_from_every_figure_at_once(
    running: StatsStack, tmp_path: Path
) -> None:
    for source in ("image", "text"):
        (tmp_path / source).mkdir()
        for file in (SHARED / "data" / source).iterdir():
            (tmp_path / source / file.name).write_bytes(file.read_bytes())
    file = tmp_path / "image" / "stable_diffusion.json"
    records = json.loads(file.read_text())
    removed = next(iter(records))
    file.write_text(json.dumps({name: one for name, one in records.items() if name != removed}, indent=4))
    revision = int((await running.get(WITH_STATS)).headers["X-Revision"]) + 1
    try:
        status, out, err = await running.stack.run("seed", "--from", str(tmp_path), "--overwrite-edits")
        assert status == 0, (out, err)
        for path in (f"{STATISTICS}/image_generation", WITH_STATS, POPULAR):
            answer = await running.get(path, X_Min_Revision=str(revision))
            assert (answer.status, answer.headers["X-Revision"]) == (200, str(revision))
            assert f'"{removed}"' not in answer.body.decode()
        found = await running.get(WITH_STATS, X_Min_Revision=str(revision))
        assert list(found.json) == [name for name in records if name != removed]
    finally:
        await running.stack.run("seed", "--from", str(SHARED / "data"), "--overwrite-edits")
    for child in running.stack.stats:
        again = await running.get(WITH_STATS, root=child.url, X_Min_Revision=str(revision + 1))
        assert removed in again.json


async def test_ai_horde_that_is_down_is_told_by_the_heartbeat_and_costs_no_answer(
    running: StatsStack,
) -> None:
    await running.horde.controls.break_with(EVERYTHING_FAILS)
    try:
        async with read_all_the_while(running, *PATHS) as answers:

            async def is_degraded() -> bool:
                return bool((await running.get(HEARTBEAT)).json["ai_horde"]["degraded"])

            await eventually(is_degraded)
            health = (await running.get(HEARTBEAT)).json["ai_horde"]

            async def says_so() -> bool:
                return (await running.get(WITH_STATS)).headers["X-Runtime-Stale"] == "true"

            await eventually(says_so)  # new results come at a pace of their own
        answer = await running.get(WITH_STATS)
    finally:
        await running.horde.controls.heal()
        await running.restart_stats()
    assert statuses(answers) == {200}
    assert health["consecutive_failures"] >= 5
    assert health["seconds_until_retry"] > 0
    assert int(answer.headers["Age"]) >= 1

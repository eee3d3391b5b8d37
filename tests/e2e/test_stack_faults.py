"""The distributed system while parts of it die: short versions of what `make chaos` does for long."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from chaos import scenarios
from chaos.arena import Arena, Outcome, an_arena
from chaos.crash_points import walk
from chaos.queue_client import CATEGORY, REFERENCES
from chaos.scenarios import Extent, Scenario
from stack.child import StackFailed
from stack.neighbours import require_programs
from support.servers import missing

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

SHORT = Extent(kills=2, races=3, fault_seconds=1.0)
DOCUMENT = f"{REFERENCES}/v2/{CATEGORY}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def arena() -> AsyncIterator[Arena]:
    try:
        require_programs()
    except StackFailed as error:
        missing(str(error))
    async with an_arena(seed=7, say=lambda _: None, write=2, read=2) as running:
        yield running


async def judged(arena: Arena, outcome: Outcome) -> list[str]:
    """Return every promise that was broken so far."""
    await arena.revive()
    judgement = await arena.judge()
    behind, _ = await arena.converge(judgement)
    return [*outcome.problems, *judgement.problems, *behind]


async def test_change_is_seen_through_the_gateway_and_by_every_reader(arena: Arena) -> None:
    name = arena.log.fresh("visible")
    assert await arena.client().make_live(name)
    for url in (*arena.read_urls, arena.stack.root_url):
        await until_named(arena, url, name)
    assert await judged(arena, Outcome("visible")) == []


async def until_named(arena: Arena, root_url: str, name: str) -> None:
    """Wait until a reader without a key gets the record."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        status, _, body = await arena.client(root_url).get(DOCUMENT, key="")
        assert status == 200
        if name.encode() in body:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{root_url} does not have {name}")


@pytest.mark.parametrize(
    "scenario",
    [scenarios.races, scenarios.one_key_at_once, scenarios.kills],
    ids=lambda scenario: scenario.__name__,
)
async def test_promises_are_kept_under(arena: Arena, scenario: Scenario) -> None:
    outcome = Outcome(scenario.__name__)
    await scenario(arena, SHORT, outcome)
    assert await judged(arena, outcome) == []


@pytest.mark.parametrize(
    ("name", "fault"), [("rabbit", "blackhole"), ("redis", "refuse"), ("s3", "blackhole")]
)
async def test_neighbour_that_cannot_be_reached_costs_no_promise(arena: Arena, name: str, fault: str) -> None:
    outcome = Outcome(f"{name} {fault}")
    load = arena.load()
    proxy = next(proxy for other, proxy in arena.stack.neighbours.proxies.items() if other == name)
    break_it: Callable[[], None] = getattr(proxy, fault)
    async with load.running(arena.read_urls, writers=2):
        await asyncio.sleep(0.3)
        break_it()
        await asyncio.sleep(SHORT.fault_seconds)
        proxy.heal()
        await asyncio.sleep(0.3)
    scenarios.judge_readings(load.readings, outcome)
    assert await judged(arena, outcome) == []


async def test_lost_answer_of_any_store_operation_of_apply_is_found_out(arena: Arena) -> None:
    assert await walk(arena, arena.stack.writes[0], "apply", "lose", "after") >= 3
    assert await judged(arena, Outcome("apply")) == []

"""The distributed system keeps GitHub in step: events, two sync-workers, and their deaths."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from stack.running import Stack
from support.event_listeners import eventually
from support.reference_data import requires_shared
from support.synced_services import SyncedService, synced_stack
from support.three_edits import IMAGES, assert_one_pull_for_each_repository, make_three_edits, names_of

pytestmark = [
    requires_shared,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[tuple[SyncedService, Stack]]:
    async with synced_stack(workers=2) as both:
        yield both


@pytest.fixture
def synced(running: tuple[SyncedService, Stack]) -> SyncedService:
    """Return the system; what an earlier test wanted is merged."""
    running[0].merge()
    return running[0]


@pytest.fixture
def stack(running: tuple[SyncedService, Stack]) -> Stack:
    return running[1]


async def eventually_one_pull(synced: SyncedService, source: str, revision: int) -> None:
    await synced.until_compared(revision, source)
    assert len(synced.open_pulls(source)) == 1
    assert len(synced.branches(source)) == 1


async def test_edits_through_the_gateway_become_one_pull_request_for_each_repository(
    synced: SyncedService,
) -> None:
    revision, named = await make_three_edits(synced, at=6)
    for source in ("image", "text"):
        await eventually_one_pull(synced, source, revision)
    assert_one_pull_for_each_repository(synced, named)


async def test_workers_killed_while_a_pull_request_is_opened_open_it_when_they_are_back(
    synced: SyncedService, stack: Stack
) -> None:
    synced.github.fault("*/AI-Horde-image-model-reference/pulls", method="POST", hang=True)
    [rule] = synced.github.fake.faults
    revision = await synced.change(IMAGES, names_of(synced, IMAGES)[20], description="While it dies.")
    await eventually(lambda: bool(rule.fired), 30)
    await asyncio.gather(*(child.kill() for child in stack.syncs))
    synced.github.fake.faults.clear()
    assert synced.open_pulls("image") == []
    await asyncio.gather(*(child.start() for child in stack.syncs))
    await eventually_one_pull(synced, "image", revision)


async def test_two_workers_that_start_at_the_same_time_open_one_pull_request(
    synced: SyncedService, stack: Stack
) -> None:
    await asyncio.gather(*(child.kill() for child in stack.syncs))
    revision = await synced.change(IMAGES, names_of(synced, IMAGES)[30], description="While both are down.")
    pulls = len(synced.repositories["image"].pulls)
    await asyncio.gather(*(child.start() for child in stack.syncs))
    for child in stack.syncs:
        alone = SyncedService(synced.github, synced.session, synced.root_url, [child.url])
        await alone.until_compared(revision, "image")
    await eventually_one_pull(synced, "image", revision)
    assert len(synced.repositories["image"].pulls) == pulls + 1

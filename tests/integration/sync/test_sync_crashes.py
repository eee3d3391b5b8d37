"""A worker that is killed at any call to GitHub, and started again, comes to the same end."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from support.reference_data import requires_shared
from support.sync_world import SyncWorld, sync_world
from sync_worker.reports import Result

pytestmark = [requires_shared, pytest.mark.slow]

CATEGORIES = "blip, clip"
MANY = 10_000
TROUBLES: list[dict[str, Any]] = [{"status": 500}, {"lost_answer": True}, {"garbage": True}]

Situation = Callable[[SyncWorld], Awaitable[None]]


def a_model(world: SyncWorld, category: str) -> str:
    return next(iter(world.primary.newest[category]))


async def run(world: SyncWorld) -> Result:
    return (await world.sync_images(CATEGORIES_TO_SYNC=CATEGORIES)).result


async def a_change(world: SyncWorld) -> None:
    world.primary.change("clip", a_model(world, "clip"), description="Another one.")


async def a_second_change(world: SyncWorld) -> None:
    await a_change(world)
    await run(world)
    world.primary.change("blip", a_model(world, "blip"), description="Another one.")


async def a_change_on_a_moved_base(world: SyncWorld) -> None:
    await a_second_change(world)
    world.image.commit_files("main", {"README.md": b"# changed\n"}, "a foreign commit")


async def a_change_taken_back(world: SyncWorld) -> None:
    await a_change(world)
    await run(world)
    world.primary.revert()


async def a_merge_and_a_change(world: SyncWorld) -> None:
    await a_change(world)
    await run(world)
    world.image.merge(world.open_pulls()[0], "squash")
    world.primary.change("blip", a_model(world, "blip"), description="Another one.")


SITUATIONS = (a_change, a_second_change, a_change_on_a_moved_base, a_change_taken_back, a_merge_and_a_change)


def end_of(world: SyncWorld) -> list[Any]:
    """Return what somebody sees in the repository: pull requests with their content and words, branches."""
    pulls = [
        (
            pull.number,
            pull.state,
            pull.merged,
            pull.labels,
            pull.title,
            _said(world, pull),
            _content(world, pull),
        )
        for pull in world.image.pulls.values()
    ]
    comments = [comment["body"] for pull in world.image.pulls.values() for comment in pull.comments]
    return [pulls, comments, world.branches(), [pull.head for pull in world.open_pulls()]]


def _said(world: SyncWorld, pull: Any) -> str:
    """Return the body without what is different in each world: the port, and so the mark."""
    body, _, mark = pull.body.rpartition("<!--")
    assert len(mark.split()) == 3
    return str(body.replace(world.primary.url, "URL"))


def _content(world: SyncWorld, pull: Any) -> Any:
    if pull.state != "open":
        return None
    head = world.image.commits[world.image.head_sha(pull)]
    return (head.tree, head.parents == [world.image.refs["refs/heads/main"]], head.message)


async def undisturbed(situation: Situation) -> tuple[list[Any], int]:
    """Return the end without any trouble, and the number of calls until then."""
    async with sync_world() as world:
        await situation(world)
        before = len(world.github.calls())
        assert await run(world) is not Result.failed
        calls = len(world.github.calls()) - before
        assert await run(world) in {Result.waiting, Result.in_step}
        return end_of(world), calls


def without_names(end: list[Any]) -> list[Any]:
    """Leave out how branches are called: their names hold the time of a base commit."""
    pulls, comments, branches, heads = end
    return [pulls, comments, len(branches), len(heads), branches == heads]


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("is_done", [False, True], ids=["before the call", "after the call"])
async def test_killed_at_any_call_and_started_again_comes_to_the_same_end(
    situation: Situation, is_done: bool
) -> None:
    end, calls = await undisturbed(situation)
    assert calls > 5
    for number in range(calls):
        async with sync_world() as world:
            await situation(world)
            world.github.fault(skip=number + is_done, count=MANY, drop=True)
            if is_done:
                world.github.fault(skip=number, lost_answer=True)
            await run(world)
            world.github.fake.faults.clear()
            assert await run(world) is not Result.failed
            written = world.github.writes()
            assert await run(world) in {Result.waiting, Result.in_step}
            assert world.github.writes() == written, number
            assert without_names(end_of(world)) == without_names(end), number


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
async def test_one_bad_answer_to_any_call_is_survived_within_the_run(
    situation: Situation, trouble: dict[str, Any]
) -> None:
    end, calls = await undisturbed(situation)
    for number in range(TROUBLES.index(trouble), calls, len(TROUBLES)):  # each call has trouble of one kind
        async with sync_world() as world:
            await situation(world)
            world.github.fault(skip=number, **trouble)
            assert await run(world) is not Result.failed, number
            assert without_names(end_of(world)) == without_names(end), number

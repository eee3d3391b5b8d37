"""A sync-worker that is killed at any call to GitHub, and started again (sync.md sections 8 and 16)."""

import pytest

from support.event_listeners import eventually
from support.reference_data import requires_shared
from support.sync_forks import ended, started_run
from support.sync_world import SyncWorld, sync_world

pytestmark = [requires_shared, pytest.mark.timeout(120)]

IMAGES = "image_generation"
SETTINGS = {"CATEGORIES_TO_SYNC": f"clip, {IMAGES}"}
MOST_CALLS = 60
KILLED = -9


def change(world: SyncWorld) -> None:
    name, other, *_ = world.primary.newest[IMAGES]
    world.primary.change(IMAGES, name, description="Another one.")
    world.primary.remove(IMAGES, other)


def end_of(world: SyncWorld) -> tuple[object, ...]:
    """Return what a reviewer sees: the one open pull request, its content, its words; and no other branch."""
    [pull] = world.open_pulls()
    head = world.image.commits[world.image.head_sha(pull)]
    assert world.branches() == [pull.head]
    assert head.parents == [world.image.refs["refs/heads/main"]]
    return head.tree, head.message, pull.title, pull.labels, len(world.image.pulls), pull.comments


async def killed_at(world: SyncWorld, call: int) -> bool:
    """Kill a worker while its call of this number is not answered; return False if it made fewer calls."""
    world.github.fault(hang=True, skip=call - 1)
    [rule] = world.github.fake.faults
    process = started_run(world.variables(**SETTINGS))
    await eventually(lambda: rule.fired or not process.is_alive(), 30)
    process.kill()
    status = await ended(process)
    world.github.fake.faults.clear()
    return status == KILLED


async def test_worker_killed_at_any_call_and_started_again_comes_to_the_same_end() -> None:
    async with sync_world() as world:
        change(world)
        assert await ended(started_run(world.variables(**SETTINGS))) == 0
        wanted = end_of(world)
    ends = []
    for call in range(1, MOST_CALLS):
        async with sync_world() as world:
            change(world)
            if not await killed_at(world, call):
                break
            assert await ended(started_run(world.variables(**SETTINGS))) == 0
            ends.append(end_of(world))
            writes = len(world.github.writes())
            assert await ended(started_run(world.variables(**SETTINGS))) == 0
            assert len(world.github.writes()) == writes
    assert len(ends) > 10
    assert ends == [wanted] * len(ends)


async def test_worker_killed_again_and_again_a_call_later_comes_to_the_same_end() -> None:
    async with sync_world() as world:
        change(world)
        call = 1
        while await killed_at(world, call):
            assert len(world.open_pulls()) <= 1
            call += 1
        assert call > 10
        assert end_of(world)[-2:] == (1, [])

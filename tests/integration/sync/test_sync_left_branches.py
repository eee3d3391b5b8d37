"""What is done about branches whose pull request ended while somebody was still at work."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.event_listeners import eventually
from support.reference_data import requires_shared
from support.sync_world import SyncWorld, sync_world
from sync_worker.github.settings import BOT_EMAIL, BOT_NAME
from sync_worker.reports import Result

pytestmark = requires_shared

IMAGES, FILE = "image_generation", "stable_diffusion.json"


@pytest.fixture
async def world() -> AsyncIterator[SyncWorld]:
    async with sync_world() as world:
        yield world


async def merged_pull(world: SyncWorld) -> Any:
    """Return a pull request of ours that was merged while its branch is still there."""
    world.primary.change(IMAGES, next(iter(world.primary.newest[IMAGES])), description="Another one.")
    await world.sync_images()
    [pull] = world.open_pulls()
    world.image.merge(pull, "squash")
    return pull


async def test_branch_that_a_worker_moved_after_the_merge_is_deleted(world: SyncWorld) -> None:
    pull = await merged_pull(world)
    world.image.commit_files(pull.head, {FILE: b"{}\n"}, "late", name=BOT_NAME, email=BOT_EMAIL)
    assert (await world.sync_images()).result is Result.in_step
    assert world.branches() == []


async def test_branch_that_somebody_else_moved_after_the_merge_stays(world: SyncWorld) -> None:
    pull = await merged_pull(world)
    world.image.commit_files(pull.head, {FILE: b"{}\n"}, "by a maintainer")
    assert (await world.sync_images()).result is Result.in_step
    assert world.branches() == [pull.head]


async def test_change_that_reaches_the_base_while_a_branch_is_made_opens_nothing(world: SyncWorld) -> None:
    world.primary.change(IMAGES, next(iter(world.primary.newest[IMAGES])), description="Another one.")
    world.github.fault("*/git/refs", method="POST", delay=0.3)
    run = asyncio.create_task(world.sync_images())
    await eventually(lambda: bool(world.github.calls("POST", "*/git/refs")))
    [commit] = [one for one in world.image.commits.values() if one.author.email == BOT_EMAIL]
    wanted = world.image.files(commit.sha)[FILE]
    world.image.commit_files("main", {FILE: wanted}, "the very change")
    assert (await run).result is Result.in_step
    assert (dict(world.image.pulls), world.branches()) == ({}, [])


async def test_open_pull_request_of_ours_for_another_base_is_left_alone_with_its_branch(
    world: SyncWorld,
) -> None:
    world.primary.change(IMAGES, next(iter(world.primary.newest[IMAGES])), description="Another one.")
    await world.sync_images()
    [pull] = world.open_pulls()
    pull.base = "dev"
    world.primary.revert()
    assert (await world.sync_images()).result is Result.in_step
    assert (world.open_pulls(), world.branches()) == ([pull], [pull.head])


async def closed_pull(world: SyncWorld) -> Any:
    """Return a pull request of ours that somebody closed, with its branch still there."""
    world.primary.change(IMAGES, next(iter(world.primary.newest[IMAGES])), description="Another one.")
    await world.sync_images()
    [pull] = world.open_pulls()
    pull.state = "closed"
    return pull


async def test_branch_that_somebody_goes_on_with_is_theirs(world: SyncWorld) -> None:
    pull = await closed_pull(world)
    sha = world.image.commit_files(pull.head, {"README.md": b"# theirs\n"}, "by a maintainer")
    await world.open_pull_of("somebody", pull.head)
    report = await world.sync_images()
    assert (report.result, report.failures) == (Result.opened, {})
    theirs, ours = world.open_pulls()
    assert world.image.refs[f"refs/heads/{pull.head}"] == theirs.head_sha == sha
    assert ours.head != pull.head
    world.primary.revert()
    assert (await world.sync_images()).result is Result.ended
    assert (world.open_pulls(), world.branches()) == ([theirs], [pull.head])


async def test_branch_of_a_pull_request_of_somebody_else_stays_although_the_commit_is_ours(
    world: SyncWorld,
) -> None:
    pull = await closed_pull(world)
    await world.open_pull_of("somebody", pull.head)
    report = await world.sync_images()
    assert (report.result, report.failures) == (Result.opened, {})
    theirs, ours = world.open_pulls()
    assert (theirs.head, theirs.head_sha) == (pull.head, pull.head_sha)
    world.primary.revert()
    assert (await world.sync_images()).result is Result.ended
    assert (world.open_pulls(), world.branches()) == ([theirs], [pull.head])
    assert ours.head not in world.branches()

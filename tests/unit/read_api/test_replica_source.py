import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from horde_model_reference.replica.errors import SourceUnavailable
from read_api.holder import PageHolder
from read_api.replica.copies import Copy
from read_api.replica.disk_copy import DiskCopy
from read_api.replica.seen_revisions import SeenRevisions
from read_api.replica.source import ReplicaSource
from read_api.replica.upstream import Refreshed, Upstream
from service_kit.errors import ServiceError
from support.contents import a_content, a_record
from support.event_listeners import eventually


class ScriptedUpstream(Upstream):
    """Has what a test says; `asked` holds what the feed had told when it was asked."""

    def __init__(self) -> None:
        super().__init__(None, None, github_pace_seconds=0)
        self.copy: Copy | None = None
        self.problem = ""
        self.error: Exception | None = None
        self.asked: list[int] = []

    async def refresh(self, _current: Copy | None, told_revision: int) -> Refreshed:
        self.asked.append(told_revision)
        if self.error is not None:
            raise self.error
        assert self.copy is not None
        return Refreshed(self.copy, self.problem)


def a_copy(*names: str, revision: int = 1) -> Copy:
    content = a_content({"clip": {name: a_record("clip", name) for name in names}}, revision=revision)
    return Copy(content, "primary", "http://primary/api", is_numbered_here=False)


class World:
    """A source and all around it, without any network."""

    def __init__(self, data_dir: Path, *, ttl_seconds: float = 60.0) -> None:
        self.holder = PageHolder()
        self.past = SeenRevisions()
        self.upstream = ScriptedUpstream()
        self.disk = DiskCopy(data_dir)
        self.taken: list[Copy] = []
        self.source = ReplicaSource(
            self.holder,
            self.past,
            self.upstream,
            self.disk,
            ttl_seconds=ttl_seconds,
            on_copy=self.taken.append,
        )
        self.holder.attach(self.source, self.past)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.source.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.source.close()
            await self.past.close()
            self.holder.close()

    @property
    def served(self) -> int | None:
        return None if self.holder.pages is None else self.holder.pages.revision


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_nothing_is_stale_before_anything_is_known(world: World) -> None:
    assert not world.source.stale
    assert world.source.age_seconds == float("inf")
    assert world.source.failure is None
    await world.past.close()
    world.holder.close()


async def test_what_is_told_is_fetched_at_once_and_only_once(world: World) -> None:
    world.upstream.copy = a_copy("a")
    async with world.running():
        await world.holder.loaded()
        world.upstream.copy = a_copy("b", revision=2)
        world.source.note_told(1)
        world.source.note_told(2)
        await eventually(lambda: world.served == 2)

    assert world.upstream.asked == [0, 2]
    assert [copy.revision for copy in world.taken] == [1, 2]
    assert not world.source.stale


async def test_whoever_waits_for_a_revision_is_served_when_it_comes(world: World) -> None:
    world.upstream.copy = a_copy("a")
    async with world.running():
        await world.holder.loaded()
        reached = await world.source.wait_for_revision(1, 0.01)
        missed = await world.source.wait_for_revision(2, 0.01)
        waiting = asyncio.create_task(world.source.wait_for_revision(2, 10))
        world.upstream.copy = a_copy("b", revision=2)

        assert (reached, missed, await waiting) == (True, False, True)


async def test_a_bug_in_a_round_ends_neither_the_rounds_nor_what_is_served(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.upstream.copy = a_copy("a")
    async with world.running():
        await world.holder.loaded()
        world.upstream.error = KeyError("a secret of the code")
        world.source.nudge()
        await eventually(lambda: world.source.failure is not None)

        assert world.source.stale
        assert world.served == 1
        assert isinstance(world.source.failure, ServiceError)
        assert "secret" not in str(world.source.failure)
        world.upstream.error, world.upstream.copy = None, a_copy("b", revision=2)
        await eventually(lambda: world.served == 2 and not world.source.stale)

    assert sum("cannot be taken over" in record.message for record in caplog.records) == 1


async def test_one_reason_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world = World(tmp_path, ttl_seconds=0.01)
    world.upstream.error = SourceUnavailable("http://primary/api: refused")
    async with world.running():
        await eventually(lambda: len(world.upstream.asked) > 2)
        assert str(world.source.failure) == "the PRIMARY is not followed: it does not answer"
        world.upstream.error, world.upstream.copy = None, a_copy("a")
        await eventually(lambda: world.source.failure is None and world.served == 1)

    said = [record.message for record in caplog.records if "followed" in record.message]
    assert said == ["the PRIMARY is not followed: http://primary/api: refused", "the PRIMARY is followed"]


async def test_a_problem_is_no_failure_but_makes_what_is_served_outdated(world: World) -> None:
    world.upstream.copy, world.upstream.problem = a_copy("a"), "clip: what was there is empty now"
    async with world.running():
        await eventually(lambda: world.source.failure is not None)

        assert world.served == 1
        assert world.source.stale
        assert world.source.age_seconds < 60


async def test_the_copy_on_disk_is_served_first_and_the_last_one_is_left_there(tmp_path: Path) -> None:
    await asyncio.to_thread(DiskCopy(tmp_path).write, a_copy("old", revision=3))
    world = World(tmp_path)
    world.upstream.error = SourceUnavailable("refused")
    async with world.running():
        await eventually(lambda: world.served == 3)
        assert world.source.stale
        world.upstream.error, world.upstream.copy = None, a_copy("new", revision=4)
        await eventually(lambda: world.served == 4)

    assert await asyncio.to_thread(DiskCopy(tmp_path).read) == a_copy("new", revision=4)


async def test_an_own_number_is_on_disk_before_it_is_served(world: World, tmp_path: Path) -> None:
    copy = Copy(a_copy("a").content, "documents", "http://primary/api", is_numbered_here=True)
    on_disk: list[Copy | None] = []

    async def look_at_the_disk() -> None:
        await world.holder.loaded()
        on_disk.append(await asyncio.to_thread(DiskCopy(tmp_path).read))

    world.upstream.copy = copy
    async with world.running():
        await look_at_the_disk()

    assert on_disk == [copy]


async def test_a_revision_that_was_told_and_does_not_come_is_not_insisted_on(world: World) -> None:
    world.upstream.copy = a_copy("a")
    async with world.running():
        await world.holder.loaded()
        world.source.note_told(7)
        await eventually(lambda: world.upstream.asked == [0, 7])
        world.source.nudge()
        await eventually(lambda: len(world.upstream.asked) == 3)

    assert world.upstream.asked == [0, 7, 0]

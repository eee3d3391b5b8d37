"""One program against a PRIMARY that does everything wrong: what it has stays, and it recovers by itself."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from horde_model_reference.backends.github import GitHubBackend
from horde_model_reference.backends.http import HTTPBackend
from horde_model_reference.model_reference_manager import ModelReferenceManager
from support.http_faults import named_faults
from support.scripted_primary import ScriptedPrimary, two_categories
from support.upstreams import Upstream

FAULTS = named_faults()
REFUSED = "refused"
KINDS = [REFUSED, *FAULTS]
HANGING = {"silence", "dripping"}
CALL_SECONDS, HASTY_CALL_SECONDS = 60.0, 0.3
"""The time limit of a call, and where the fault is that it does not end."""

READ_SECONDS = 20.0
"""No read may take longer; the limits of clients of what hangs are together much smaller."""

RECOVERY_SECONDS = 60.0
TTL_SECONDS = 0.2
BEFORE, AFTER = {"a": "one", "b": "one"}, {"a": "two", "b": "one"}


@pytest.fixture(autouse=True)
def no_manager() -> Iterator[None]:
    ModelReferenceManager.reset()
    yield
    ModelReferenceManager.reset()


class Surroundings:
    """A PRIMARY that can be told to fail, and a program beside it that can be started again on its disk."""

    def __init__(self, primary: ScriptedPrimary, server: Upstream, folder: Path, kind: str) -> None:
        self.primary = primary
        self.server = server
        self.folder = folder
        self.kind = kind

    def end_program(self) -> None:
        if ModelReferenceManager.has_instance():
            ModelReferenceManager.get_instance().backend.close()
        ModelReferenceManager.reset()

    def start_program(self) -> ModelReferenceManager:
        self.end_program()
        backend = HTTPBackend(
            primary_api_url=f"http://127.0.0.1:{self.server.port}/api",
            github_backend=GitHubBackend(base_path=self.folder),
            cache_ttl_seconds=TTL_SECONDS,
            timeout_seconds=HASTY_CALL_SECONDS if self.kind in HANGING else CALL_SECONDS,
            retry_max_attempts=2,
            retry_backoff_seconds=0.01,
            enable_github_fallback=False,
        )
        return ModelReferenceManager(backend=backend)

    async def fail(self) -> None:
        if self.kind == REFUSED:
            await self.server.stop()
        else:
            self.primary.fault = FAULTS[self.kind]
            self.primary.end_streams()

    async def heal(self) -> None:
        self.primary.fault = None
        if self.kind == REFUSED:
            await self.server.start()

    def disk(self) -> dict[str, bytes]:
        """Return the copies."""
        return {path.name: path.read_bytes() for path in self.folder.glob("*.json")}


@contextlib.asynccontextmanager
async def surroundings(folder: Path, kind: str, *, knows_revisions: bool) -> AsyncIterator[Surroundings]:
    primary = ScriptedPrimary(two_categories(), knows_revisions=knows_revisions)
    server = Upstream("primary", answer=primary._answer)
    await server.start()
    around = Surroundings(primary, server, folder, kind)
    try:
        yield around
    finally:
        await asyncio.to_thread(around.end_program)
        primary.end_streams()
        await server.stop()


async def read(manager: ModelReferenceManager, **options: Any) -> dict[str, str | None] | None:
    """Read within bounded time, from a thread; return name to description."""
    begun = time.monotonic()
    found = await asyncio.to_thread(manager.get_model_reference_or_none, "clip", **options)
    assert time.monotonic() - begun < READ_SECONDS
    return None if found is None else {name: record.description for name, record in found.items()}


async def read_on_the_loop(manager: ModelReferenceManager) -> dict[str, str | None] | None:
    async with asyncio.timeout(READ_SECONDS):
        found = await manager.get_model_reference_or_none_async("clip")
    return None if found is None else {name: record.description for name, record in found.items()}


async def until(manager: ModelReferenceManager, expected: dict[str, str]) -> None:
    last = None
    try:
        async with asyncio.timeout(RECOVERY_SECONDS):
            while (last := await read_on_the_loop(manager)) != expected:  # noqa: ASYNC110 - it is the program
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"still {last}") from None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("knows_revisions", [True, False], ids=["new", "old"])
async def test_program_that_starts_beside_it_has_nothing_and_recovers(
    kind: str, knows_revisions: bool, tmp_path: Path
) -> None:
    async with surroundings(tmp_path / "disk", kind, knows_revisions=knows_revisions) as around:
        await around.fail()
        manager = around.start_program()
        assert not await read(manager)
        assert not await read_on_the_loop(manager)
        await around.heal()
        await until(manager, BEFORE)
        await asyncio.to_thread(around.end_program)
        assert set(around.disk()) == {"clip.json"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("knows_revisions", [True, False], ids=["new", "old"])
async def test_program_that_has_data_keeps_them_and_recovers(
    kind: str, knows_revisions: bool, tmp_path: Path
) -> None:
    async with surroundings(tmp_path, kind, knows_revisions=knows_revisions) as around:
        manager = around.start_program()
        await asyncio.to_thread(manager.ensure_ready)
        await until(manager, BEFORE)
        copies = around.disk()
        await around.fail()
        assert await read(manager, overwrite_existing=True) == BEFORE
        await asyncio.sleep(2 * TTL_SECONDS)
        assert await read_on_the_loop(manager) == BEFORE
        assert await read(manager) == BEFORE
        await asyncio.to_thread(manager.ensure_ready)
        assert around.disk().items() >= copies.items()
        around.primary.commit(two_categories("two"))
        await around.heal()
        await until(manager, AFTER)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("knows_revisions", [True, False], ids=["new", "old"])
async def test_program_that_starts_again_has_its_copies_and_recovers(
    kind: str, knows_revisions: bool, tmp_path: Path
) -> None:
    async with surroundings(tmp_path, kind, knows_revisions=knows_revisions) as around:
        manager = around.start_program()
        await asyncio.to_thread(manager.ensure_ready)
        await until(manager, BEFORE)
        await asyncio.to_thread(around.end_program)
        copies = around.disk()
        assert "clip.json" in copies
        await around.fail()
        manager = await asyncio.to_thread(around.start_program)
        assert await read(manager) == BEFORE
        await asyncio.to_thread(manager.ensure_ready)
        assert around.disk().items() >= copies.items()
        around.primary.commit(two_categories("two"))
        await around.heal()
        await until(manager, AFTER)

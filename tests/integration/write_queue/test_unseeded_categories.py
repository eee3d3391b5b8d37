"""A write-queue seeds what was never seeded, beside its other work."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from registry.blobs import Blobs
from registry.checkpoints import Checkpoints
from registry.filling import fill_missing
from registry.journal import Journal
from registry.seed_origins import SeedOrigins
from registry.seeding import never_written
from registry.state import State
from registry.unseeded import Pauses
from service_kit.file_object_store import open_file_store
from support.reference_data import requires_shared
from support.seed_github import SeedGithub, seed_github
from support.serving import Client, serving
from support.write_clients import READER, Writes, a_horde_url, until_ready, write_settings
from write_queue.app import create_app
from write_queue.settings import WriteQueueSettings
from write_queue.unseeded import LOOK_SECONDS

pytestmark = requires_shared

BRIEF_PAUSES = Pauses(0.01, 0.05)
WAIT_SECONDS = 60.0


@pytest.fixture
async def github() -> AsyncIterator[SeedGithub]:
    async with seed_github() as served:
        yield served


def settings_for(data_dir: Path, github: SeedGithub, **more: Any) -> WriteQueueSettings:
    hosts = {f"HORDE_GITHUB_SYNC_{name}": value for name, value in github.settings.items()}
    return write_settings(data_dir, **hosts, **more)


@contextlib.asynccontextmanager
async def instances(
    count: int, data_dir: Path, github: SeedGithub, **more: Any
) -> AsyncIterator[list[Client]]:
    async with contextlib.AsyncExitStack() as stack:
        horde_url = await stack.enter_async_context(a_horde_url())
        clients = []
        for _ in range(count):
            settings = settings_for(data_dir, github, AI_HORDE_URL=horde_url, **more)
            application = create_app(settings, on_unusable=lambda _: None, seed_pauses=BRIEF_PAUSES)
            clients.append(await stack.enter_async_context(serving(application)))
        for client in clients:
            await until_ready(client)
        yield clients


async def head_of(data_dir: Path) -> State:
    async with open_file_store(data_dir) as store:
        journal = Journal(store)
        return await journal.require_whole(await Checkpoints(store, journal).newest())


async def filled_without(category: str, data_dir: Path, github: SeedGithub) -> bytes:
    """Seed all but a category, whose file is broken on GitHub; return what it was."""
    name = f"{category}.json"
    body: bytes = github.repository("image").files("main")[name]
    github.commit(category, b"<<<<<<< HEAD")
    async with open_file_store(data_dir) as store:
        origins = SeedOrigins(settings_for(data_dir, github))
        outcome = await fill_missing(Journal(store), Blobs(store), State(), origins)
    assert outcome is not None
    assert never_written(outcome.state) == (category,)
    return body


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


async def said_of_seeding(client: Client) -> tuple[int, str]:
    answer = await client.ask("/ready")
    return answer.status, answer.json["checks"]["seeding"]


async def failed_tries(client: Client) -> float:
    text = (await client.ask("/metrics")).body.decode()
    found = [line for line in text.splitlines() if line.startswith('seed_tries_total{outcome="failed"}')]
    return float(found[0].split()[1]) if found else 0.0


async def test_what_github_did_not_give_is_seeded_once_it_does(data_dir: Path, github: SeedGithub) -> None:
    body = await filled_without("clip", data_dir, github)
    async with instances(2, data_dir, github) as clients:

        async def tried() -> bool:
            return await failed_tries(clients[0]) >= 2

        await until(tried)
        status, why = await said_of_seeding(clients[0])
        assert status == 200
        assert why.startswith("not seeded: clip: clip.json")
        github.commit("clip", body)

        async def seen_by_all() -> bool:
            return [await said_of_seeding(client) for client in clients] == [(200, "ok")] * 2

        await until(seen_by_all)
        change_id = await Writes(clients[1]).create("new")
    assert change_id
    state = await head_of(data_dir)
    assert (never_written(state), state.revision) == ((), 2)


async def test_while_github_is_away_everything_else_works(data_dir: Path, github: SeedGithub) -> None:
    await filled_without("clip", data_dir, github)
    github.world.fault("*", count=10_000, status=503)
    async with instances(1, data_dir, github) as [client]:

        async def tried() -> bool:
            return await failed_tries(client) >= 1

        await until(tried)
        status, why = await said_of_seeding(client)
        page = await Writes(client).get("/v2/pending_queue/changes", READER)
    assert (status, page["total"]) == (200, 0)
    assert why.startswith("not seeded: clip")
    assert (await head_of(data_dir)).revision == 1


async def test_github_is_not_asked_where_that_is_switched_off(data_dir: Path, github: SeedGithub) -> None:
    await filled_without("clip", data_dir, github)
    asked = len(github.world.calls())
    async with instances(1, data_dir, github, github_seed_enabled=False) as [client]:

        async def tried() -> bool:
            return await failed_tries(client) >= 2

        await until(tried)
        assert "GitHub must not be asked" in (await said_of_seeding(client))[1]
    assert len(github.world.calls()) == asked


async def test_an_empty_journal_is_left_to_whoever_decides_what_fills_it(
    data_dir: Path, github: SeedGithub
) -> None:
    async with instances(1, data_dir, github) as _:
        await asyncio.sleep(2 * LOOK_SECONDS)
        assert (await head_of(data_dir)).catalogue is None
        assert github.world.calls() == []
        github.commit("clip", await filled_without("clip", data_dir, github))

        async def seeded() -> bool:
            return never_written(await head_of(data_dir)) == ()

        await until(seeded)


async def test_a_whole_catalogue_asks_nobody(data_dir: Path, github: SeedGithub) -> None:
    body = await filled_without("clip", data_dir, github)
    github.commit("clip", body)
    async with instances(1, data_dir, github) as [client]:

        async def seeded() -> bool:
            return never_written(await head_of(data_dir)) == () and (
                await said_of_seeding(client) == (200, "ok")
            )

        await until(seeded)
        asked = len(github.world.calls())
        async with instances(1, data_dir, github) as [other]:
            assert await said_of_seeding(other) == (200, "ok")
            await Writes(other).create("new")
    assert len(github.world.calls()) == asked

"""A service whose GitHub does not give everything at its start."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from registry.sources import SEED_FILES
from support.processes import ServiceProcess, run_command, service
from support.reference_data import requires_shared
from support.seed_github import SeedGithub, seed_github

pytestmark = requires_shared


@pytest.fixture
async def github() -> AsyncIterator[SeedGithub]:
    async with seed_github() as served:
        yield served


def settings_for(data_dir: Path, github: SeedGithub, **more: str) -> dict[str, str]:
    return {"DATA_DIR": str(data_dir), "HEAD_POLL_SECONDS": "0.2", **github.settings, **more}


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, json.loads(await answer.read())


async def until_seeding_says(process: ServiceProcess, beginning: str) -> None:
    await process.wait_until("/live", 200)
    async with asyncio.timeout(60):
        while True:
            _, ready = await get(f"{process.root_url}/ready")
            if (
                ready["checks"]["seeding"].startswith(beginning)
                and "about to" not in ready["checks"]["seeding"]
            ):
                return
            await asyncio.sleep(0.1)


async def test_what_github_did_not_give_is_named_and_seeded_as_soon_as_it_does(
    tmp_path: Path, github: SeedGithub
) -> None:
    body = github.repository("image").files("main")["clip.json"]
    github.commit("clip", b"broken")
    async with service("serve", settings_for(tmp_path, github)) as process:
        await process.wait_until("/ready", 200)
        _, ready = await get(f"{process.root_url}/ready")
        clip, _ = await get(f"{process.base_url}/model_references/v2/clip")
        blip, _ = await get(f"{process.base_url}/model_references/v2/blip")
        github.commit("clip", body)
        await until_seeding_says(process, "ok")
        await process.wait_until("/api/model_references/v2/clip", 200)
    assert ready["checks"]["seeding"].startswith("not seeded: clip: clip.json")
    assert (clip, blip) == (404, 200)


async def test_a_restart_goes_on_where_the_seeding_ended(tmp_path: Path, github: SeedGithub) -> None:
    body = github.repository("image").files("main")["clip.json"]
    github.commit("clip", b"broken")
    settings = settings_for(tmp_path, github)
    assert (await run_command("seed", "--from", "github", settings=settings))[0] == 1
    github.commit("clip", body)
    async with service("serve", settings) as process:
        await process.wait_until("/api/model_references/v2/clip", 200)
        _, status = await get(f"{process.base_url}/status")
    assert status["revision"] == 2


async def test_a_service_that_insists_on_github_waits_for_it(tmp_path: Path, github: SeedGithub) -> None:
    github.world.fault("*", count=10_000, status=503)
    async with service("serve", settings_for(tmp_path, github, GITHUB_SEED_ENABLED="true")) as process:
        await until_seeding_says(process, "not seeded: blip: ")
        code, _ = await get(f"{process.root_url}/ready")
        github.world.fake.faults.clear()
        await until_seeding_says(process, "ok")
        await process.wait_until("/ready", 200)
        _, status = await get(f"{process.base_url}/status")
    assert code == 503
    assert status["categories"].keys() >= SEED_FILES.keys()

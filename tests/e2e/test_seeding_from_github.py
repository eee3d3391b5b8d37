"""Seeding from GitHub as an operator does it: processes, and a GitHub with real git objects."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from registry.sources import SEED_FILES
from support.processes import ServiceProcess, run_command, service
from support.reference_data import requires_shared
from support.seed_github import FULL_NAMES, SeedGithub, seed_github
from sync_worker.domain.category_plan import CategoryOutcome, PlanOptions, plan_category, repository_files

pytestmark = requires_shared

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
async def github() -> AsyncIterator[SeedGithub]:
    async with seed_github() as served:
        yield served


def settings_for(data_dir: Path, github: SeedGithub, **more: str) -> dict[str, str]:
    return {"DATA_DIR": str(data_dir), **github.settings, **more}


def entries(data_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted((data_dir / "journal").glob("*.json"))]


async def seed(settings: Mapping[str, str], *words: str) -> tuple[int, list[str], str]:
    status, out, err = await run_command("seed", "--from", "github", *words, settings=settings)
    return status, out.decode().splitlines(), err


async def planned(process: ServiceProcess, github: SeedGithub) -> list[CategoryOutcome]:
    """Return what the sync-worker would make of every category at the commit that is there now."""
    outcomes = []
    async with aiohttp.ClientSession() as session:
        for category, (folder, _) in SEED_FILES.items():
            url = f"{process.base_url}/model_references/v1/{category}"
            async with session.get(url) as answer:
                assert answer.status == 200, await answer.text()
                body = await answer.read()
            files = github.repository(folder).files(github.head(folder))
            present = {path: files.get(path) for path in repository_files(category)}
            outcomes.append(await asyncio.to_thread(plan_category, category, body, present, PlanOptions()))
    return outcomes


@pytest.mark.parametrize("canonical_format", ["v2", "legacy"])
async def test_after_seeding_the_real_data_there_is_no_drift(tmp_path: Path, canonical_format: str) -> None:
    async with seed_github(with_real_data=True) as github:
        settings = settings_for(
            tmp_path, github, CANONICAL_FORMAT=canonical_format, GITHUB_SEED_ENABLED="true"
        )
        async with service("serve", settings) as process:
            await process.wait_until("/ready", 200)
            outcomes = await planned(process, github)
        assert github.world.writes() == []
    assert [(one.category, one.failure) for one in outcomes if one.failure] == []
    assert {one.category: one.drift.total for one in outcomes if one.drift} == dict.fromkeys(SEED_FILES, 0)
    assert [(one.category, path) for one in outcomes for path in one.files] == []
    assert [problem for one in outcomes for problem in one.problems] == []


async def test_the_journal_and_the_output_tell_commits_hashes_and_counts(
    tmp_path: Path, github: SeedGithub
) -> None:
    status, out, err = await seed(settings_for(tmp_path, github))
    assert (status, err) == (0, "")
    for folder, full_name in FULL_NAMES.items():
        assert f"read: {full_name}, branch main, commit {github.head(folder)}" in out
    assert out[-1].startswith("seeded: revision 1: blip 1, clip 1")
    [entry] = entries(tmp_path)
    for category, (folder, names) in SEED_FILES.items():
        told = entry["body"]["categories"][category]
        files = github.repository(folder).files("main")
        assert (told["repository"], told["commit"]) == (FULL_NAMES[folder], github.head(folder))
        assert told["files"] == {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(names)}
    assert (await run_command("verify", settings={"DATA_DIR": str(tmp_path)}))[0] == 0


async def test_a_category_that_cannot_be_understood_is_named_and_seeded_by_the_next_try(
    tmp_path: Path, github: SeedGithub
) -> None:
    body = github.repository("image").files("main")["clip.json"]
    github.commit("clip", b"<<<<<<< HEAD\n")
    status, out, err = await seed(settings_for(tmp_path, github))
    assert status == 1
    assert err.startswith("horde-reference seed: not seeded: clip: clip.json")
    assert len(err.splitlines()) == 1
    assert "clip" not in out[-1]
    github.commit("clip", body)
    settings = settings_for(tmp_path, github)
    status, plain, err = await run_command("seed", "--from", "auto", settings=settings)
    assert (status, err) == (0, "")
    assert plain.decode().splitlines()[-1] == "seeded: revision 2: clip 1"
    assert (await run_command("seed", "--from", "auto", settings=settings))[1].startswith(b"nothing to do")


async def begin(data_dir: Path, github: SeedGithub, **more: str) -> tuple[int, str, str]:
    """Do what is done at every start of the containers."""
    settings = settings_for(data_dir, github, **more)
    status, out, err = await run_command("seed", "--from", "auto", settings=settings)
    return status, out.decode(), err


async def test_a_start_is_done_with_the_categories_that_can_be_had(
    tmp_path: Path, github: SeedGithub
) -> None:
    github.commit("clip", b"<<<<<<< HEAD\n")
    status, out, err = await begin(tmp_path, github)
    assert status == 0
    assert "seeded: revision 1: blip 1" in out
    assert "not seeded: clip: clip.json" in err
    assert "never seeded, the others are served: clip (the services try again)" in err


async def test_a_later_start_needs_no_github(tmp_path: Path, github: SeedGithub) -> None:
    github.commit("clip", b"<<<<<<< HEAD\n")
    await begin(tmp_path, github)
    github.world.fault("*", count=1000, status=503)
    status, _, err = await begin(tmp_path, github)
    assert status == 0
    assert "horde-reference seed: not seeded: clip" in err
    assert "never seeded, the others are served: clip" in err
    status, _, err = await begin(tmp_path, github, GITHUB_SEED_ENABLED="false")
    assert (status, "clip (it is not tried again)" in err) == (0, True)
    assert len(entries(tmp_path)) == 1


async def test_a_start_of_a_whole_catalogue_says_that_nothing_is_to_be_done(
    tmp_path: Path, github: SeedGithub
) -> None:
    await begin(tmp_path, github)
    asked = len(github.world.calls())
    assert await begin(tmp_path, github) == (0, "nothing to do: every category is there\n", "")
    assert len(github.world.calls()) == asked


async def test_a_start_without_network_serves_the_sample_and_says_so(
    tmp_path: Path, github: SeedGithub
) -> None:
    nowhere = {"GITHUB_API_URL": NOWHERE, "GITHUB_RAW_URL": NOWHERE}
    for _ in range(2):
        status, _, err = await begin(tmp_path, github, **nowhere)
        assert status == 0
        assert "the catalogue is made up; for the real one: horde-reference seed --from github" in err
    status, out, _ = await seed(settings_for(tmp_path, github))
    assert (status, out[-1].split(": ")[1]) == (0, "revision 2")
    assert (await begin(tmp_path, github, **nowhere))[2] == ""


async def test_a_start_that_leaves_the_journal_empty_fails_and_says_why(
    tmp_path: Path, github: SeedGithub
) -> None:
    github.world.fault("*", count=1000, status=503)
    status, _, err = await begin(tmp_path, github, GITHUB_SEED_ENABLED="true")
    assert status == 1
    assert "there is no catalogue still" in err
    assert "HORDE_MODEL_REFERENCE_GITHUB_SEED_ENABLED=true allows nothing but GitHub" in err
    assert "blip.json" in err.splitlines()[-1]


async def test_a_start_fails_where_the_store_cannot_be_used(tmp_path: Path, github: SeedGithub) -> None:
    place = tmp_path / "a file"
    place.write_bytes(b"")
    status, _, err = await begin(place, github)
    assert status == 1
    assert "Traceback" not in err


async def test_without_the_rest_interface_the_branch_is_read_and_that_is_told(
    tmp_path: Path, github: SeedGithub
) -> None:
    status, out, _ = await seed(settings_for(tmp_path, github, GITHUB_API_URL=NOWHERE))
    assert status == 0
    assert f"read: {FULL_NAMES['text']}, branch main, its commit could not be found out" in out
    [entry] = entries(tmp_path)
    assert "commit" not in entry["body"]["categories"]["clip"]
    assert entry["body"]["categories"]["clip"]["branch"] == "main"


async def test_a_branch_that_does_not_exist_changes_nothing_and_is_named(
    tmp_path: Path, github: SeedGithub
) -> None:
    more = {"IMAGE_GITHUB_REPO__BRANCH": "gone", "TEXT_GITHUB_REPO__BRANCH": "gone"}
    status, _, err = await seed(settings_for(tmp_path, github, **more))
    assert status == 1
    assert f"{FULL_NAMES['image']} has no branch gone" in err
    assert not (tmp_path / "journal").exists()


async def test_services_that_start_together_on_one_directory_seed_once(
    tmp_path: Path, github: SeedGithub
) -> None:
    settings = settings_for(tmp_path, github)
    async with service("serve", settings) as one, service("serve", settings) as other:
        await asyncio.gather(one.wait_until("/ready", 200), other.wait_until("/ready", 200))
    assert [entry["kind"] for entry in entries(tmp_path)] == ["seeded"]
    assert (await run_command("verify", settings={"DATA_DIR": str(tmp_path)}))[0] == 0


async def test_a_service_that_is_killed_while_it_seeds_is_repaired_by_the_next(
    tmp_path: Path, github: SeedGithub
) -> None:
    github.world.fault("/raw/*/gfpgan.json", hang=True)
    settings = settings_for(tmp_path, github)
    async with service("serve", settings) as process:
        async with asyncio.timeout(60):
            while not github.world.calls("GET", "/raw/*/gfpgan.json"):  # noqa: ASYNC110 - it is a process
                await asyncio.sleep(0.02)
        process.process.kill()
        await process.ended()
    assert not (tmp_path / "journal").exists() or entries(tmp_path) == []
    async with service("serve", settings) as process:
        await process.wait_until("/ready", 200)
    [entry] = entries(tmp_path)
    assert entry["body"]["categories"].keys() == SEED_FILES.keys()


async def test_github_switched_off_is_not_asked_and_the_sample_is_served(
    tmp_path: Path, github: SeedGithub
) -> None:
    async with service("serve", settings_for(tmp_path, github, GITHUB_SEED_ENABLED="false")) as process:
        await process.wait_until("/ready", 200)
        await process.stop()
    assert "seeded from the sample catalogue" in process.output
    assert github.world.calls() == []

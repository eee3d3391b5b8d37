"""What the audit tells of a catalogue that was seeded from GitHub."""

from pathlib import Path
from typing import Any

from registry.sources import SEED_FILES
from service_kit.settings import S3Settings
from service_kit.stores import open_object_store
from standalone.first_fill import fill_when_empty
from standalone.journal_access import access_to
from standalone.settings import StandaloneSettings
from support.reference_data import requires_shared
from support.seed_github import FULL_NAMES, SeedGithub, seed_github
from support.write_clients import QUEUE, Writes, writing

pytestmark = requires_shared


async def fill(data_dir: Path, github: SeedGithub) -> None:
    given: dict[str, Any] = {
        "HORDE_GITHUB_SYNC_GITHUB_API_URL": github.url,
        "HORDE_GITHUB_SYNC_GITHUB_RAW_URL": github.url,
    }
    async with open_object_store(data_dir, S3Settings()) as store:
        await fill_when_empty(access_to(store), StandaloneSettings(**given))


async def events(writes: Writes, query: str) -> list[dict[str, Any]]:
    page: dict[str, Any] = await writes.get(f"{QUEUE}/audit/events?limit=500&{query}")
    found: list[dict[str, Any]] = page["events"]
    return found


async def test_each_category_has_an_event_that_tells_its_source(data_dir: Path) -> None:
    async with seed_github() as github:
        await fill(data_dir, github)
        commit = github.head("image")
    async with writing(data_dir) as writes:
        seeding = await events(writes, "category=seeding")
        clip = await events(writes, "category=clip")
        everything = await events(writes, "after=0")
    assert [event["model_name"] for event in seeding] == list(SEED_FILES)
    [of_clip] = [event for event in seeding if event["model_name"] == "clip"]
    source = of_clip["payload"]["after"]
    assert (source["repository"], source["branch"], source["commit"]) == (FULL_NAMES["image"], "main", commit)
    assert (source["records"], list(source["files"])) == (len(clip), ["clip.json"])
    assert [event["event_id"] for event in everything] == list(range(1, len(everything) + 1))


async def test_events_after_a_seeding_go_on_counting(data_dir: Path) -> None:
    async with seed_github() as github:
        await fill(data_dir, github)
    async with writing(data_dir) as writes:
        before = await events(writes, "after=0")
        await writes.make_live("a")
        await writes.post("/v2/revisions/1/rollback", {})
        after = await events(writes, "after=0")
    assert after[: len(before)] == before
    assert [event["event_id"] for event in after] == list(range(1, len(after) + 1))
    assert after[-1]["operation"] == "delete"

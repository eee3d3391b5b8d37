"""Filling a journal from GitHub over HTTP: what is asked, what is kept, and what is tried again."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from horde_model_reference.documents import SourceUnreadable
from registry.bodies import Seeded
from registry.loading import load_content
from registry.seeding import SeedOutcome, never_written
from registry.sources import SEED_FILES
from registry.unseeded import Pauses, Seeding
from service_kit.errors import NotReady
from service_kit.telemetry import Telemetry
from standalone.first_fill import fill_when_empty, filler_of
from standalone.journal_access import JournalAccess, access_to
from standalone.seed_sources import SAMPLE_ORIGIN
from standalone.settings import StandaloneSettings
from support.memory_store import MemoryObjectStore
from support.metrics import sample
from support.reference_data import requires_shared
from support.seed_github import FULL_NAMES, SeedGithub, seed_github
from support.sources import SAMPLE
from write_queue.unseeded import seed_standing

pytestmark = requires_shared

NOWHERE = "http://127.0.0.1:1"
BRIEF_PAUSES = Pauses(0.01, 0.02)


@pytest.fixture
async def github() -> AsyncIterator[SeedGithub]:
    async with seed_github() as served:
        yield served


def settings_for(url: str, *, raw_url: str | None = None, **more: Any) -> StandaloneSettings:
    given: dict[str, Any] = {
        "HORDE_GITHUB_SYNC_GITHUB_API_URL": url,
        "HORDE_GITHUB_SYNC_GITHUB_RAW_URL": raw_url or url,
    }
    return StandaloneSettings(**given, **more)


async def filled(access: JournalAccess, settings: StandaloneSettings) -> SeedOutcome:
    outcome = await fill_when_empty(access, settings)
    assert outcome is not None
    return outcome


async def models_of(access: JournalAccess, category: str) -> Mapping[str, object]:
    content = await load_content(access.blobs, await access.head(), None)
    assert content is not None
    models: dict[str, object] = json.loads(content.categories[category].v2)
    return models


class Filling:
    """A journal that is being filled, and what is shown of that."""

    def __init__(self, settings: StandaloneSettings, access: JournalAccess | None = None) -> None:
        self.access = access or access_to(MemoryObjectStore())
        self.telemetry = Telemetry("test")
        self.standing = seed_standing(self.telemetry)
        filler = filler_of(self.access, settings, self.telemetry)
        self.seeding = Seeding(filler, self.standing, BRIEF_PAUSES)

    async def begin(self) -> None:
        self.seeding.look(await self.access.head())
        await self.seeding.first()

    def failed_tries(self) -> float:
        return sample(self.telemetry, "seed_tries_total", outcome="failed")

    @contextlib.asynccontextmanager
    async def going_on(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.seeding.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_every_file_is_read_at_the_commit_of_the_branch(github: SeedGithub) -> None:
    access = access_to(MemoryObjectStore())
    outcome = await filled(access, settings_for(github.url))
    commits = {github.head("image"), github.head("text")}
    assert {path.split("/")[0] for path in github.raw_paths()} == commits
    assert len(github.world.calls("GET", "/repos/*/git/ref/heads/main")) == 2
    assert {one.commit for one in outcome.origins.values()} == commits
    entry, _ = await access.journal.read(1)
    assert isinstance(entry.body, Seeded)
    assert {one.commit for one in entry.body.categories.values()} == commits
    assert {one.repository for one in entry.body.categories.values()} == set(FULL_NAMES.values())


async def test_a_commit_made_while_files_are_read_is_not_mixed_in(github: SeedGithub) -> None:
    github.world.fault("/raw/*/clip.json", delay=0.3)
    before = github.head("image")
    access = access_to(MemoryObjectStore())
    filling = asyncio.create_task(filled(access, settings_for(github.url)))
    async with asyncio.timeout(60):
        while not github.world.calls("GET", "/raw/*/clip.json"):  # noqa: ASYNC110 - it is the server
            await asyncio.sleep(0.01)
    github.commit("clip", b'{"Other": {}}')
    outcome = await filling
    assert outcome.origins["image"].commit == before
    assert "Other" not in await models_of(access, "clip")


async def test_settings_name_repository_and_branch(github: SeedGithub) -> None:
    repository = github.repository("image")
    other = github.world.fake.create_repo("me/mine", repository.files("main"), branch="next/one")
    outcome = await filled(
        access_to(MemoryObjectStore()),
        settings_for(github.url, image_github_repo={"owner": "me", "name": "mine", "branch": "next/one"}),
    )
    assert outcome.origins["image"].repository == "me/mine"
    assert outcome.origins["image"].commit == other.resolve("refs/heads/next/one")


@pytest.mark.parametrize("fault", [{"status": 503}, {"primary_rate_limit": True}, {"garbage": True}])
async def test_without_the_rest_interface_the_branch_is_read(
    github: SeedGithub, fault: Mapping[str, object]
) -> None:
    github.world.fault("/repos/*", count=100, **fault)
    outcome = await filled(access_to(MemoryObjectStore()), settings_for(github.url))
    assert outcome.failures == {}
    assert {one.commit for one in outcome.origins.values()} == {None}
    assert all(path.startswith("refs/heads/main/") for path in github.raw_paths())


async def test_a_missing_file_is_asked_for_once_and_a_broken_answer_again(github: SeedGithub) -> None:
    github.commit("clip", None)
    github.world.fault("/raw/*/blip.json", status=500)
    outcome = await filled(access_to(MemoryObjectStore()), settings_for(github.url))
    files = [path.split("/")[1] for path in github.raw_paths()]
    assert (files.count("clip.json"), files.count("blip.json")) == (1, 2)
    assert list(outcome.failures) == ["clip"]
    assert never_written(outcome.state) == ("clip",)


async def test_later_only_the_files_of_what_is_missing_are_read(github: SeedGithub) -> None:
    access, settings = access_to(MemoryObjectStore()), settings_for(github.url)
    body = github.repository("image").files("main")["clip.json"]
    github.commit("clip", b"<<<<<<< HEAD")
    await filled(access, settings)
    asked = len(github.raw_paths())
    sha = github.commit("clip", body)
    github.commit("blip", b"{}")
    outcome = await filled(access, settings)
    assert {path.split("/")[1] for path in github.raw_paths()[asked:]} == {"clip.json", "diffusers.json"}
    assert outcome.imported.keys() == {"clip"}
    assert outcome.origins["image"].commit != sha
    assert await models_of(access, "blip") != {}
    assert await fill_when_empty(access, settings) is None


async def test_without_github_the_sample_is_taken_unless_github_is_insisted_on() -> None:
    access = access_to(MemoryObjectStore())
    with pytest.raises(SourceUnreadable, match=r"blip\.json of Haidra-Org"):
        await fill_when_empty(access, settings_for(NOWHERE, github_seed_enabled=True))
    assert (await access.head()).catalogue is None
    outcome = await filled(access, settings_for(NOWHERE))
    assert outcome.state.seeded_from == SAMPLE_ORIGIN


async def test_answers_that_are_no_catalogue_are_like_none(github: SeedGithub) -> None:
    github.world.fault("/raw/*", count=100, garbage=True)
    outcome = await filled(access_to(MemoryObjectStore()), settings_for(github.url))
    assert outcome.state.seeded_from == SAMPLE_ORIGIN


async def test_github_is_not_asked_where_that_is_switched_off(github: SeedGithub) -> None:
    outcome = await filled(
        access_to(MemoryObjectStore()), settings_for(github.url, github_seed_enabled=False)
    )
    assert outcome.state.seeded_from == SAMPLE_ORIGIN
    assert github.world.calls() == []


async def test_the_sample_never_fills_what_github_did_not_give(github: SeedGithub) -> None:
    access = access_to(MemoryObjectStore())
    github.commit("clip", b"broken")
    await filled(access, settings_for(github.url))
    with pytest.raises(SourceUnreadable):
        await fill_when_empty(access, settings_for(NOWHERE))
    assert await fill_when_empty(access, settings_for(github.url, github_seed_enabled=False)) is None
    assert never_written(await access.head()) == ("clip",)


async def test_what_failed_is_shown_and_tried_again_until_it_is_there(github: SeedGithub) -> None:
    body = github.repository("image").files("main")["clip.json"]
    github.commit("clip", b"broken")
    filling = Filling(settings_for(github.url))
    await filling.begin()
    with pytest.raises(NotReady, match=r"^not seeded: clip: clip\.json"):
        await filling.standing.check.run()
    assert not filling.standing.check.required
    assert filling.standing.missing.keys() == {"clip"}
    async with filling.going_on() as task:
        async with asyncio.timeout(60):
            while filling.failed_tries() < 3:  # noqa: ASYNC110 - it is a metric
                await asyncio.sleep(0.01)
        github.commit("clip", body)
        await asyncio.wait_for(task, 60)
    await filling.standing.check.run()
    assert filling.standing.missing == {}
    assert await models_of(filling.access, "clip") != {}


async def test_where_github_is_insisted_on_an_empty_journal_waits_for_it(github: SeedGithub) -> None:
    github.world.fault("*", count=10_000, status=503)
    filling = Filling(settings_for(github.url, github_seed_enabled=True))
    beginning = asyncio.create_task(filling.begin())
    async with asyncio.timeout(60):
        while filling.failed_tries() < 2:  # noqa: ASYNC110 - it is a metric
            await asyncio.sleep(0.01)
    assert filling.standing.missing.keys() == SEED_FILES.keys()
    assert (await filling.access.head()).catalogue is None
    github.world.fake.faults.clear()
    await asyncio.wait_for(beginning, 60)
    assert (await filling.access.head()).seeded_from == "github"
    await filling.standing.check.run()


async def test_a_seed_folder_that_cannot_be_read_is_not_tried_again(tmp_path: Path) -> None:
    filling = Filling(settings_for(NOWHERE, seed_dir=tmp_path / "nowhere"))
    with pytest.raises(SourceUnreadable, match="not a directory"):
        await filling.begin()


async def test_a_whole_journal_is_left_alone(github: SeedGithub) -> None:
    access = access_to(MemoryObjectStore())
    await filled(access, settings_for(NOWHERE, seed_dir=SAMPLE))
    filling = Filling(settings_for(github.url), access)
    filling.seeding.look(await access.head())
    await asyncio.wait_for(filling.seeding.run(), 60)
    assert github.world.calls() == []


async def test_instances_that_start_together_seed_once(github: SeedGithub) -> None:
    store = MemoryObjectStore()
    settings = settings_for(github.url)
    fillings = [Filling(settings, access_to(store)) for _ in range(4)]
    await asyncio.gather(*(filling.begin() for filling in fillings))
    state = await fillings[0].access.head()
    assert (state.sequence, state.revision) == (1, 1)


def test_pauses_grow_to_their_limit() -> None:
    pauses = Pauses(5, 1800)
    for tries in range(1, 100):
        longest = min(5 * 2 ** (tries - 1), 1800)
        assert longest / 2 <= pauses.after(tries) <= longest

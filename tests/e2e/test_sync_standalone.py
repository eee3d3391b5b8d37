"""The whole service keeps GitHub in step with what editors do over HTTP (sync.md section 16)."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.legacy_files import changed_lines
from support.processes import ServiceProcess, run_command
from support.reference_data import requires_shared
from support.synced_services import (
    Edit,
    SyncedService,
    credentials_of_app,
    github_variables,
    synced_standalone,
)
from support.text_repository_converter import converted_by_the_repository
from support.three_edits import (
    CONTROLNET,
    FILES,
    IMAGES,
    TEXT,
    assert_one_pull_for_each_repository,
    make_three_edits,
    names_of,
    with_back_ends,
)

pytestmark = [requires_shared, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

IMAGE_FILE = FILES[IMAGES]
LABELS = ["automated", "sync", "ready-for-review"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standalone(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[SyncedService, ServiceProcess]]:
    async with synced_standalone(tmp_path_factory.mktemp("synced") / "data") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def synced(standalone: tuple[SyncedService, ServiceProcess]) -> AsyncIterator[SyncedService]:
    """Yield the service; afterwards everything that the test wanted is merged."""
    running, _ = standalone
    yield running
    running.merge()
    revision = await next_revision(running)
    await running.until_told(lambda run: run["result"] == "in_step" and run["revision"] >= revision)
    assert (running.branches("image"), running.branches("text")) == ([], [])


async def next_revision(running: SyncedService) -> int:
    """Make a revision of something that GitHub has no file for, so that there is a run for it."""
    name = f"only here {running.github.fake.used}"
    return await running.make_live(Edit("lora", name, {"description": "none"}, is_new=True))


async def run_beside(running: SyncedService, *words: str) -> tuple[int, str]:
    """Run a command that asks the service, with the same credentials; return status and output."""
    process_variables = {
        **github_variables(running.github),
        **credentials_of_app(),
        "HORDE_GITHUB_SYNC_PRIMARY_API_URL": f"{running.root_url}/api",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in process_variables.items():
            patch.setenv(name, value)
        status, out, error = await run_command(*words)
    return status, out.decode() + error


def only_pull(running: SyncedService, source: str) -> Any:
    [pull] = running.open_pulls(source)
    return pull


async def test_catalogue_seeded_from_github_differs_in_nothing(synced: SyncedService) -> None:
    status, out = await run_beside(synced, "drift", "--exit-code")
    assert (status, out.count("no difference")) == (0, 10)
    assert [f'sync_drift{{category="{TEXT}",repository="text"}} 0.0'] == [
        line for line in await synced.metrics() if line.startswith("sync_drift") and TEXT in line
    ]


async def test_catalogue_of_the_legacy_format_differs_in_nothing_either(tmp_path: Path) -> None:
    async with synced_standalone(tmp_path / "data", CANONICAL_FORMAT="legacy") as (legacy, _):
        told = (await legacy.told())[0]
        assert {source: one["last_run"]["result"] for source, one in told.items()} == {
            "image": "in_step",
            "text": "in_step",
        }
        assert {sum(one["last_run"]["drift"].values()) for one in told.values()} == {0}
        assert [call for call in legacy.github.writes() if "access_tokens" not in call] == []


async def test_edits_of_three_kinds_become_one_pull_request_for_each_repository(
    synced: SyncedService,
) -> None:
    revision, named = await make_three_edits(synced, at=3)
    await synced.until_compared(revision)
    assert_one_pull_for_each_repository(synced, named)
    for source in ("image", "text"):
        pull = only_pull(synced, source)
        assert (pull.base, pull.labels, pull.user) == ("main", LABELS, "fake-sync-app[bot]")

    writes = len(synced.github.writes())
    status, out = await run_beside(synced, "sync", "--once")
    assert (status, out.count("waiting")) == (0, 2)
    written = synced.github.writes()[writes:]
    assert [call for call in written if "access_tokens" not in call] == []
    status, out = await run_beside(synced, "drift", "--exit-code")
    assert (status, out.count("no difference")) == (3, 7)


async def test_one_change_is_one_line_and_moves_with_the_next_and_ends_with_its_reversal(
    synced: SyncedService,
) -> None:
    name = names_of(synced, IMAGES)[0]
    before = await synced.record(IMAGES, name)
    await synced.until_compared(await synced.change(IMAGES, name, description="One."))
    pull = only_pull(synced, "image")
    gone, new = changed_lines(*synced.changed_files("image", pull)[IMAGE_FILE])
    assert [[line.strip().partition(b":")[0] for line in lines] for lines in (gone, new)] == [
        [b'"description"'],
        [b'"description"'],
    ]
    head, body = synced.repositories["image"].head_sha(pull), pull.body

    other = names_of(synced, "clip")[0]
    described = await synced.record("clip", other)
    await synced.until_compared(await synced.change("clip", other, description="Two."))
    moved = only_pull(synced, "image")
    assert moved.number == pull.number
    assert synced.repositories["image"].head_sha(moved) != head
    assert moved.body != body
    assert set(synced.changed_files("image", moved)) == {IMAGE_FILE, "clip.json"}

    revision = await synced.make_live(Edit(IMAGES, name, before), Edit("clip", other, described))
    await synced.until_compared(revision)
    assert synced.open_pulls("image") == []
    assert not pull.merged
    assert len(pull.comments) == 1
    assert synced.branches("image") == []


async def test_one_change_of_a_text_model_is_one_line_of_the_csv_and_three_entries(
    synced: SyncedService,
) -> None:
    name = names_of(synced, TEXT)[30]
    await synced.until_compared(await synced.change(TEXT, name, description="A text model."))
    files = synced.changed_files("text", only_pull(synced, "text"))
    gone, new = changed_lines(*files["models.csv"])
    assert (len(gone), len(new), new[0].endswith(b"\r\n")) == (1, 1, True)
    before, after = (json.loads(body) for body in files["db.json"])
    assert {key for key in after if after[key] != before[key]} == with_back_ends({name})
    assert converted_by_the_repository(files["models.csv"][1]) == files["db.json"][1]


async def test_merge_ends_the_drift_and_the_next_pull_request_follows_what_others_did(
    synced: SyncedService,
) -> None:
    first, second = names_of(synced, IMAGES)[10:12]
    await synced.until_compared(await synced.change(IMAGES, first, description="Merged."))
    merged = only_pull(synced, "image")
    synced.merge()
    repository = synced.repositories["image"]
    head = repository.commit_files("main", {"README.md": "# by somebody else\n"}, "of somebody else")
    await synced.until_compared(await synced.change(IMAGES, second, description="After it."))
    pull = only_pull(synced, "image")
    assert pull.number > merged.number
    assert repository.commits[repository.head_sha(pull)].parents == [head]
    gone, new = changed_lines(*synced.changed_files("image", pull)[IMAGE_FILE])
    assert (len(gone), len(new)) == (1, 1)
    assert synced.branches("image") == [f"refs/heads/{pull.head}"]


async def test_emptied_category_and_one_that_loses_a_third_are_refused_and_told_while_others_go_on(
    synced: SyncedService,
) -> None:
    lost = [
        *(("gfpgan", name) for name in names_of(synced, "gfpgan")),
        *((CONTROLNET, name) for name in names_of(synced, CONTROLNET)[:7]),
    ]
    records = [await synced.record(*one) for one in lost]
    image = names_of(synced, IMAGES)[20]
    described = {**await synced.record(IMAGES, image), "description": "Carried over all the same."}
    await synced.make_live(*(Edit(*one, None) for one in lost), Edit(IMAGES, image, described))

    def is_refused(run: Mapping[str, Any]) -> bool:
        return set(run["failures"]) == {"gfpgan", CONTROLNET} and bool(run["pull_request"])

    await synced.until_told(is_refused, "image")
    assert set(synced.changed_files("image", only_pull(synced, "image"))) == {IMAGE_FILE}
    counted = {line.partition(" ")[0] for line in await synced.metrics()}
    assert counted >= {
        f'sync_failures_total{{category="{category}",repository="image"}}'
        for category in ("gfpgan", CONTROLNET)
    }
    edits = [
        Edit(category, name, record, is_new=True)
        for (category, name), record in zip(lost, records, strict=True)
    ]
    await synced.until_compared(await synced.make_live(*edits))

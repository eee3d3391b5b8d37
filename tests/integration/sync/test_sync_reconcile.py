"""One run after another against GitHub: what the pull requests become (sync.md sections 5, 8 and 16)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.reference_data import requires_shared
from support.sync_world import SyncWorld, sync_world
from sync_worker.github.settings import BOT_EMAIL
from sync_worker.opening import Mode
from sync_worker.reports import Result

pytestmark = requires_shared

LABELS = ["automated", "sync", "ready-for-review"]
IMAGE = "image_generation"


@pytest.fixture
async def world() -> AsyncIterator[SyncWorld]:
    async with sync_world() as world:
        yield world


def some_model(world: SyncWorld, category: str = IMAGE, number: int = 0) -> str:
    return list(world.primary.newest[category])[number]


def changed_lines(before: bytes, after: bytes) -> list[tuple[bytes, bytes]]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return [(one, other) for one, other in zip(old, new, strict=True) if one != other]


async def test_nothing_differs_and_nothing_is_written(world: SyncWorld) -> None:
    reports = await world.sync()
    assert [report.result for report in reports] == [Result.in_step, Result.in_step]
    assert [report.has_failed for report in reports] == [False, False]
    assert [sum(report.totals.values()) for report in reports] == [0, 0]
    assert world.github.writes() == []


async def test_one_change_opens_one_pull_request_with_one_file(world: SyncWorld) -> None:
    name = some_model(world)
    world.primary.change(IMAGE, name, description="Another one.")
    report = await world.sync_images()
    [pull] = world.open_pulls()
    assert (report.result, report.revision, report.totals[IMAGE]) == (Result.opened, 2, 1)
    assert report.pull is not None
    assert report.pull.number == pull.number == 1
    assert (pull.base, pull.labels) == ("main", LABELS)
    assert pull.head.startswith("sync/image_generation/")
    before, after = world.files(), world.files(pull.head)
    assert {path for path in after if after[path] != before.get(path)} == {"stable_diffusion.json"}
    [(_, line)] = changed_lines(before["stable_diffusion.json"], after["stable_diffusion.json"])
    assert b"Another one." in line
    commit = world.image.commits[world.image.refs[f"refs/heads/{pull.head}"]]
    assert commit.parents == [world.image.refs["refs/heads/main"]]
    assert commit.author.email == BOT_EMAIL


async def test_the_same_again_writes_nothing(world: SyncWorld) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await world.sync_images()
    written = world.github.writes()
    report = await world.sync_images()
    assert report.result is Result.waiting
    assert report.pull is not None
    assert report.pull.number == 1
    assert world.github.writes() == written


async def test_second_change_moves_the_same_pull_request(world: SyncWorld) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await world.sync_images()
    [pull] = world.open_pulls()
    head, body, branch = pull.head_sha, pull.body, pull.head
    world.primary.change("clip", some_model(world, "clip"), description="Another one.")
    report = await world.sync_images()
    assert world.open_pulls() == [pull]
    assert report.result is Result.updated
    assert (pull.head, world.image.head_sha(pull) != head, pull.body != body) == (branch, True, True)
    assert "clip" in pull.body
    assert "multiple categories" in pull.title
    assert world.branches() == [branch]
    assert len(world.image.history(branch)) == len(world.image.history("main")) + 1


async def test_change_that_is_taken_back_closes_the_pull_request(world: SyncWorld) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await world.sync_images()
    world.primary.revert()
    report = await world.sync_images()
    [pull] = world.image.pulls.values()
    assert (report.result, pull.state, pull.merged) == (Result.ended, "closed", False)
    assert len(pull.comments) == 1
    assert world.branches() == []
    written = world.github.writes()
    assert (await world.sync_images()).result is Result.in_step
    assert world.github.writes() == written


async def test_two_repositories_get_a_pull_request_each(world: SyncWorld) -> None:
    text = some_model(world, "text_generation")
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    world.primary.change("text_generation", text, description="Another one.")
    image_report, text_report = await world.sync()
    assert (image_report.result, text_report.result) == (Result.opened, Result.opened)
    assert text_report.totals == {"text_generation": 3}
    [pull] = world.open_pulls(world.text)
    before, after = world.files(repository=world.text), world.files(pull.head, world.text)
    assert {path for path in after if after[path] != before[path]} == {"models.csv", "db.json"}
    assert len(changed_lines(before["models.csv"], after["models.csv"])) == 1
    assert json.loads(after["db.json"]) == world.primary.newest["text_generation"]


async def test_merged_pull_request_ends_the_drift_and_loses_its_branch(world: SyncWorld) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await world.sync_images()
    [pull] = world.open_pulls()
    world.image.merge(pull, "squash")
    report = await world.sync_images()
    assert report.result is Result.in_step
    assert world.branches() == []
    world.image.commit_files("main", {"README.md": b"# changed\n"}, "a foreign commit")
    world.primary.change("clip", some_model(world, "clip"), description="Another one.")
    report = await world.sync_images()
    [pull] = world.open_pulls()
    assert (report.result, pull.number) == (Result.opened, 2)
    assert world.image.commits[world.image.head_sha(pull)].parents == [world.image.refs["refs/heads/main"]]


async def test_foreign_commit_that_touches_nothing_of_ours_leaves_the_pull_request_alone(
    world: SyncWorld,
) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await world.sync_images()
    world.image.commit_files("main", {"README.md": b"# changed\n"}, "a foreign commit")
    written = world.github.writes()
    assert (await world.sync_images()).result is Result.waiting
    assert world.github.writes() == written


async def test_foreign_commit_to_the_same_file_brings_the_pull_request_onto_it(world: SyncWorld) -> None:
    world.primary.change("clip", some_model(world, "clip"), description="Another one.")
    await world.sync_images()
    [pull] = world.open_pulls()
    clip = json.loads(world.files()["clip.json"])
    clip["foreign"] = {"name": "foreign"}
    world.image.commit_files("main", {"clip.json": json.dumps(clip, indent=4) + "\n"}, "a foreign commit")
    report = await world.sync_images()
    assert report.result is Result.updated
    assert world.open_pulls() == [pull]
    assert world.image.commits[world.image.head_sha(pull)].parents == [world.image.refs["refs/heads/main"]]
    assert "foreign" not in json.loads(world.files(pull.head)["clip.json"])


async def test_what_somebody_wrote_into_title_and_body_stays(world: SyncWorld) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await world.sync_images()
    [pull] = world.open_pulls()
    pull.title, pull.body = "Wait", f"- [x] looked at it\r\n{pull.body}"
    assert (await world.sync_images()).result is Result.waiting
    assert (pull.title, pull.body[:5]) == ("Wait", "- [x]")


async def test_pull_requests_and_branches_of_others_are_never_touched(world: SyncWorld) -> None:
    clip = {"clip.json": b"{}\n"}
    world.image.commit_files("sync/of-somebody", clip, "mine", start="main")
    world.image.commit_files("sync/without-a-pull", clip, "mine", start="main")
    await world.open_pull_of("somebody", "sync/of-somebody")
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await world.sync_images()
    world.primary.revert()
    await world.sync_images()
    assert [pull.user for pull in world.open_pulls()] == ["somebody"]
    assert world.branches() == ["sync/of-somebody", "sync/without-a-pull"]


async def test_fewer_changes_than_the_threshold_open_nothing_but_are_told(world: SyncWorld) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    report = await world.sync_images(MIN_CHANGES_THRESHOLD=2)
    assert (report.result, report.totals[IMAGE], report.has_failed) == (Result.too_little, 1, False)
    assert world.github.writes() == []
    world.primary.change(IMAGE, some_model(world, number=1), description="Another one.")
    assert (await world.sync_images(MIN_CHANGES_THRESHOLD=2)).result is Result.opened


async def test_two_workers_at_once_make_one_pull_request(world: SyncWorld) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await asyncio.gather(*(world.sync_images() for _ in range(3)))
    assert sorted(world.image.pulls) == [1]
    [pull] = world.open_pulls()
    assert world.branches() == [pull.head]
    assert (await world.sync_images()).result is Result.waiting


async def test_branch_of_a_run_that_was_killed_is_not_left_behind_when_the_base_moves(
    world: SyncWorld,
) -> None:
    world.github.fault("*/pulls", method="POST", status=500, count=9)
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    assert (await world.sync_images()).result is Result.failed
    [left] = world.branches()
    world.github.fake.faults.clear()
    world.image.clock = lambda: world.clock.wall() + 3600
    world.image.commit_files("main", {"README.md": b"# changed\n"}, "a foreign commit")
    assert (await world.sync_images()).result is Result.opened
    [pull] = world.open_pulls()
    assert left != pull.head
    assert world.branches() == [pull.head]


async def test_branch_of_a_run_that_was_killed_is_used_for_what_is_wanted_now(world: SyncWorld) -> None:
    world.github.fault("*/pulls", method="POST", status=500, count=9)
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    assert (await world.sync_images()).result is Result.failed
    left = world.branches()
    world.github.fake.faults.clear()
    world.primary.change(IMAGE, some_model(world), description="And another one.")
    assert (await world.sync_images()).result is Result.opened
    [pull] = world.open_pulls()
    assert world.branches() == left == [pull.head]
    assert json.loads(world.files(pull.head)["stable_diffusion.json"]) == world.primary.newest[IMAGE]


async def two_open_pulls(world: SyncWorld) -> None:
    """Let there be two pull requests of ours, and something else to say in them."""
    for branch in ("sync/clip/1", "sync/clip/2"):
        world.image.commit_files(branch, {"clip.json": b"{}\n"}, "ours", start="main")
        await world.open_pull_of("sync-bot", branch)
    world.primary.change(IMAGE, some_model(world), description="Another one.")


async def test_two_open_pull_requests_of_ours_become_one(world: SyncWorld) -> None:
    await two_open_pulls(world)
    await world.sync_images()
    [pull] = world.open_pulls()
    assert (pull.number, pull.labels) == (1, LABELS)
    assert world.branches() == ["sync/clip/1"]
    assert json.loads(world.files("sync/clip/1")["stable_diffusion.json"]) == world.primary.newest[IMAGE]
    assert world.files("sync/clip/1")["clip.json"] == world.files()["clip.json"]
    assert "#1" in world.image.pulls[2].comments[0]["body"]


async def test_pull_request_is_not_closed_before_the_one_that_replaces_it_is_right(world: SyncWorld) -> None:
    await two_open_pulls(world)
    world.github.fault("*/git/refs/*", method="PATCH", status=403)
    assert (await world.sync_images()).result is Result.failed
    assert [pull.number for pull in world.open_pulls()] == [1, 2]
    assert world.branches() == ["sync/clip/1", "sync/clip/2"]


async def test_labels_that_could_not_be_added_are_a_warning_and_added_later(world: SyncWorld) -> None:
    world.github.fault("*/labels", method="POST", status=403, count=3)
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    report = await world.sync_images()
    [pull] = world.open_pulls()
    assert (report.result, report.has_failed, pull.labels) == (Result.opened, False, [])
    assert len(report.warnings) == 1
    world.github.fake.faults.clear()
    await world.sync_images()
    assert pull.labels == LABELS


async def test_reviewers_are_asked_once_and_unknown_ones_are_a_warning(world: SyncWorld) -> None:
    world.image.collaborators = {"known"}
    world.image.teams = {"crew"}
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    report = await world.sync_images(PR_REVIEWERS="known, unknown", PR_AUTO_ASSIGN_TEAM="org/crew")
    [pull] = world.open_pulls()
    assert (pull.reviewers, pull.team_reviewers, pull.labels) == (["known"], ["crew"], LABELS)
    assert len(report.warnings) == 1
    written = world.github.writes()
    await world.sync_images(PR_REVIEWERS="known, unknown", PR_AUTO_ASSIGN_TEAM="org/crew")
    assert world.github.writes() == written


async def test_emptied_primary_opens_nothing_and_fails(world: SyncWorld) -> None:
    world.primary.pasts.append({category: {} for category in world.primary.newest})
    reports = await world.sync()
    assert [report.result for report in reports] == [Result.failed, Result.failed]
    assert set(reports[0].failures or {}) == set(world.primary.newest) - {"text_generation"}
    assert world.github.writes() == []


async def test_category_that_loses_too_much_is_refused_alone_and_carried_over_by_force(
    world: SyncWorld,
) -> None:
    world.primary.remove(IMAGE, *list(world.primary.newest[IMAGE])[:6])
    world.primary.change("clip", some_model(world, "clip"), description="Another one.")
    report = await world.sync_images()
    [pull] = world.open_pulls()
    assert (report.result, set(report.failures or {})) == (Result.failed, {IMAGE})
    assert world.files(pull.head)["stable_diffusion.json"] == world.files()["stable_diffusion.json"]
    assert world.files(pull.head)["clip.json"] != world.files()["clip.json"]
    report = await world.sync_images(Mode(force=True))
    assert (report.result, world.open_pulls()) == (Result.updated, [pull])
    assert json.loads(world.files(pull.head)["stable_diffusion.json"]) == world.primary.newest[IMAGE]


async def test_category_that_cannot_be_read_keeps_its_part_of_the_pull_request(world: SyncWorld) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await world.sync_images()
    [pull] = world.open_pulls()
    image_file = world.files(pull.head)["stable_diffusion.json"]
    world.primary.change("clip", some_model(world, "clip"), description="Another one.")
    del world.primary.newest[IMAGE]
    report = await world.sync_images()
    assert report.result is Result.failed
    assert set(report.failures or {}) == {IMAGE}
    assert world.files(pull.head)["stable_diffusion.json"] == image_file
    assert world.files(pull.head)["clip.json"] != world.files()["clip.json"]
    assert IMAGE in pull.body


async def test_category_that_cannot_be_read_loses_its_part_when_the_base_has_moved(world: SyncWorld) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    world.primary.change("clip", some_model(world, "clip"), description="Another one.")
    await world.sync_images()
    world.image.commit_files("main", {"stable_diffusion.json": "{}\n"}, "a foreign commit")
    del world.primary.newest[IMAGE]
    report = await world.sync_images()
    [pull] = world.open_pulls()
    assert report.result is Result.failed
    assert world.files(pull.head)["stable_diffusion.json"] == b"{}\n"
    assert world.files(pull.head)["clip.json"] != world.files()["clip.json"]


@pytest.mark.parametrize(("times", "result"), [(1, Result.updated), (2, Result.updated), (3, Result.failed)])
async def test_branch_that_moves_during_the_run_makes_it_begin_again_but_not_for_ever(
    world: SyncWorld, times: int, result: Result
) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await world.sync_images()
    world.primary.change(IMAGE, some_model(world), description="And another one.")
    answer = {"message": "Update is not a fast forward"}
    world.github.fault("*/git/refs/*", method="PATCH", status=422, body=answer, count=times)
    assert (await world.sync_images()).result is result
    [pull] = world.open_pulls()
    assert (b"And another" in world.files(pull.head)["stable_diffusion.json"]) is (times < 3)


async def test_pull_request_that_another_worker_opened_meanwhile_is_the_one_that_stays(
    world: SyncWorld,
) -> None:
    world.image.commit_files("sync/clip/other", {"clip.json": b"{}\n"}, "ours", start="main")
    await world.open_pull_of("sync-bot", "sync/clip/other")
    [other] = world.image.pulls.values()
    other.state = "closed"

    def open_the_other() -> float:
        if world.github.calls("POST", "*/pulls")[1:]:
            other.state = "open"
        return world.clock.wall()

    world.github.fake.clock = open_the_other
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    report = await world.sync_images()
    assert world.open_pulls() == [other]
    assert report.result is Result.updated
    assert world.branches() == ["sync/clip/other"]
    assert json.loads(world.files("sync/clip/other")["stable_diffusion.json"]) == world.primary.newest[IMAGE]


async def test_run_that_takes_too_long_has_failed(world: SyncWorld) -> None:
    world.github.fault("*/git/trees/*", hang=True)
    report = await world.sync_images(RUN_SECONDS=0.2)
    assert (report.result, "0.2 s" in str(report.failures)) == (Result.failed, True)


async def test_folder_that_cannot_be_written_is_a_failure(world: SyncWorld, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"a file")
    report = await world.sync_images(Mode(offline=tmp_path))
    assert report.result is Result.failed


async def test_failure_alone_leaves_the_open_pull_request_alone(world: SyncWorld) -> None:
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    await world.sync_images()
    del world.primary.newest[IMAGE]
    written = world.github.writes()
    report = await world.sync_images()
    assert report.result is Result.failed
    assert report.pull is not None
    assert world.github.writes() == written


async def test_primary_that_is_down_is_a_failure_and_github_is_not_even_asked(world: SyncWorld) -> None:
    world.primary.url = "http://127.0.0.1:9/api"
    reports = await world.sync()
    assert [report.result for report in reports] == [Result.failed, Result.failed]
    assert world.github.calls() == []


async def test_repository_that_is_not_there_fails_without_the_other(world: SyncWorld) -> None:
    del world.github.fake.repos[world.text.full_name.lower()]
    world.primary.change(IMAGE, some_model(world), description="Another one.")
    image_report, text_report = await world.sync()
    assert (image_report.result, text_report.result) == (Result.opened, Result.failed)
    assert "404" in next(iter((text_report.failures or {}).values()))


async def test_rate_limit_that_is_far_away_ends_the_run_and_says_until_when(world: SyncWorld) -> None:
    world.github.fault("*/git/ref/*", primary_rate_limit=True, retry_after=5000)
    report = await world.sync_images()
    assert report.result is Result.failed
    assert report.not_before > world.clock.wall() + 4000

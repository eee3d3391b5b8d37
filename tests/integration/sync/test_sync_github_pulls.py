"""Pull requests of our account, and of nobody else (sync.md sections 8 and 9)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.github_world import FULL_NAME, GithubWorld, github_world, small_repository
from support.reference_data import requires_shared
from sync_worker.github.errors import AlreadyExists, GithubRefused, GithubUnavailable
from sync_worker.github.repository import Repository

pytestmark = requires_shared

PULLS = "/repos/*/pulls"
COMMENTS = "/repos/*/comments"
LABELS = "/repos/*/labels"
REVIEWERS = "/repos/*/requested_reviewers"
OURS = "sync-bot"
TROUBLES: list[dict[str, Any]] = [{"status": 500}, {"lost_answer": True}, {"drop": True}, {"garbage": True}]


@pytest.fixture
async def world() -> AsyncIterator[GithubWorld]:
    async with github_world() as world:
        world.small.commit_files("sync/a", {"blip.json": "{}"}, "m", start="main")
        yield world


@pytest.fixture
async def repository(world: GithubWorld) -> AsyncIterator[Repository]:
    async with small_repository(world) as repository:
        yield repository


async def test_pull_request_is_opened_and_found(world: GithubWorld, repository: Repository) -> None:
    made = await repository.create_pull("sync/a", "main", "Title", "Body\n")
    assert made is not None
    assert (made.number, made.branch, made.base, made.author) == (1, "sync/a", "main", OURS)
    assert (made.title, made.body, made.is_open, made.merged) == ("Title", "Body\n", True, False)
    assert made.head_sha == world.small.refs["refs/heads/sync/a"]
    assert made.url.endswith(f"/{FULL_NAME}/pull/1")
    assert await repository.own_open_pulls("main") == (made,)
    assert await repository.own_pulls_of("sync/a") == (made,)
    assert await repository.pull(1) == made


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_pull_request_is_opened_once_although_an_answer_is_lost(
    world: GithubWorld, repository: Repository, trouble: dict[str, Any]
) -> None:
    world.fault(PULLS, method="POST", **trouble)
    made = await repository.create_pull("sync/a", "main", "Title", "")
    assert made is not None
    assert sorted(world.small.pulls) == [made.number] == [1]


async def test_pull_request_of_an_earlier_attempt_is_adopted(
    world: GithubWorld, repository: Repository
) -> None:
    first = await repository.create_pull("sync/a", "main", "Title", "")
    assert await repository.create_pull("sync/a", "main", "Other", "") == first
    assert sorted(world.small.pulls) == [1]


async def test_pull_request_of_somebody_else_from_the_branch_is_not_adopted(
    world: GithubWorld, repository: Repository
) -> None:
    await repository.create_pull("sync/a", "main", "Title", "")
    world.small.pulls[1].user = "somebody"
    with pytest.raises(AlreadyExists):
        await repository.create_pull("sync/a", "main", "Title", "")


async def test_branch_without_a_commit_of_its_own_gets_no_pull_request(
    world: GithubWorld, repository: Repository
) -> None:
    world.small.refs["refs/heads/sync/a"] = world.small.refs["refs/heads/main"]
    assert await repository.create_pull("sync/a", "main", "Title", "") is None


async def test_pull_request_that_cannot_be_opened_is_looked_for_after_each_try(
    world: GithubWorld, repository: Repository
) -> None:
    world.fault(PULLS, method="POST", count=None, status=502)
    with pytest.raises(GithubUnavailable):
        await repository.create_pull("sync/a", "main", "Title", "")
    assert len(world.calls("POST", PULLS)) == len(world.calls("GET", PULLS)) == 3


async def test_answer_lost_at_the_last_try_is_found_all_the_same(
    world: GithubWorld, repository: Repository
) -> None:
    world.fault(PULLS, method="POST", count=2, status=502)
    world.fault(PULLS, method="POST", lost_answer=True)
    made = await repository.create_pull("sync/a", "main", "Title", "")
    assert made is not None
    assert sorted(world.small.pulls) == [1]


async def test_body_that_is_too_long_is_a_refusal(repository: Repository) -> None:
    with pytest.raises(GithubRefused, match="too long"):
        await repository.create_pull("sync/a", "main", "Title", "x" * 65537)


async def test_pull_requests_of_others_from_elsewhere_and_into_elsewhere_are_not_ours(
    world: GithubWorld, repository: Repository
) -> None:
    world.small.commit_files("next", {"x": "y"}, "m", start="main")
    world.open_pulls("Sync-Bot", "somebody", OURS, OURS)
    world.open_pulls(OURS, base="next")
    world.small.pulls[3].head = "feature/x"
    world.small.refs["refs/heads/feature/x"] = world.small.pulls[3].head_sha
    world.small.pulls[4].state = "closed"
    assert [pull.number for pull in await repository.own_open_pulls("main")] == [1]


@pytest.mark.parametrize("head_repository", [None, {"full_name": "somebody/small"}])
async def test_pull_request_from_a_fork_is_not_ours(
    world: GithubWorld, repository: Repository, head_repository: dict[str, str] | None
) -> None:
    await repository.create_pull("sync/a", "main", "Title", "")
    answer = {
        "number": 1,
        "title": "t",
        "body": None,
        "state": "open",
        "labels": [],
        "user": {"login": OURS},
        "head": {"ref": "sync/a", "sha": "0" * 40, "repo": head_repository},
        "base": {"ref": "main"},
        "created_at": "2026-01-01T00:00:00Z",
    }
    world.fault(PULLS, method="GET", status=200, body=[answer])
    assert await repository.own_open_pulls("main") == ()
    assert len(await repository.own_open_pulls("main")) == 1


async def test_pull_requests_are_read_over_all_pages(world: GithubWorld, repository: Repository) -> None:
    world.open_pulls(*[OURS] * 205)
    found = await repository.own_open_pulls("main")
    assert [pull.number for pull in found] == list(range(205, 0, -1))
    assert len(world.calls("GET", PULLS)) == 3


async def test_ended_pull_requests_of_a_branch_tell_how_they_ended(
    world: GithubWorld, repository: Repository
) -> None:
    await repository.create_pull("sync/a", "main", "Title", "")
    await repository.close_pull(1)
    second = await repository.create_pull("sync/a", "main", "Title", "")
    assert second is not None
    world.small.merge(world.small.pulls[2], "squash")
    pulls = {pull.number: pull for pull in await repository.own_pulls_of("sync/a")}
    assert {number: (pull.state, pull.merged) for number, pull in pulls.items()} == {
        1: ("closed", False),
        2: ("closed", True),
    }
    assert pulls[2].head_sha == world.small.refs["refs/heads/sync/a"]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_title_and_body_are_changed_and_the_pull_request_is_closed(
    world: GithubWorld, repository: Repository, trouble: dict[str, Any]
) -> None:
    await repository.create_pull("sync/a", "main", "Title", "Body")
    world.fault("/repos/*/pulls/1", method="PATCH", skip=0, **trouble)
    changed = await repository.update_pull(1, title="New", body="Text")
    assert (changed.title, changed.body, changed.is_open) == ("New", "Text", True)
    world.fault("/repos/*/pulls/1", method="PATCH", **trouble)
    assert not (await repository.close_pull(1)).is_open
    assert not (await repository.close_pull(1)).is_open


@pytest.mark.parametrize("trouble", [{}, *TROUBLES])
async def test_comment_is_made_once_whatever_happens(
    world: GithubWorld, repository: Repository, trouble: dict[str, Any]
) -> None:
    await repository.create_pull("sync/a", "main", "Title", "")
    if trouble:
        world.fault(COMMENTS, method="POST", **trouble)
    await repository.comment(1, "No longer needed.\n")
    await repository.comment(1, "No longer needed.\n")
    assert [comment["body"] for comment in world.small.pulls[1].comments] == ["No longer needed.\n"]


async def test_same_words_of_somebody_else_do_not_stand_for_ours(
    world: GithubWorld, repository: Repository
) -> None:
    await repository.create_pull("sync/a", "main", "Title", "")
    theirs = {"id": 1, "body": "Done.", "user": {"login": "somebody"}}
    nobody = {"id": 2, "body": "Done.", "user": None}
    world.small.pulls[1].comments += [theirs, nobody]
    await repository.comment(1, "Done.")
    assert len(world.small.pulls[1].comments) == 3


async def test_missing_labels_are_added_and_all_others_stay(
    world: GithubWorld, repository: Repository
) -> None:
    await repository.create_pull("sync/a", "main", "Title", "")
    world.small.pulls[1].labels = ["of a human", "Sync"]
    warning = await repository.set_labels(await repository.pull(1), ("sync", "automated"))
    assert warning is None
    assert world.small.pulls[1].labels == ["of a human", "Sync", "automated"]


async def test_labels_that_are_there_cost_no_write(world: GithubWorld, repository: Repository) -> None:
    await repository.create_pull("sync/a", "main", "Title", "")
    world.small.pulls[1].labels = ["sync"]
    assert await repository.set_labels(await repository.pull(1), ["sync"]) is None
    assert world.calls("POST", LABELS) == []


@pytest.mark.parametrize("trouble", [{"status": 403}, {"status": 404}, {"status": 422}, {"status": 500}])
async def test_labels_and_reviews_that_fail_are_only_warnings(
    world: GithubWorld, repository: Repository, trouble: dict[str, Any]
) -> None:
    made = await repository.create_pull("sync/a", "main", "Title", "")
    assert made is not None
    world.fault("/repos/*/1/*", count=None, **trouble)
    warnings = [
        await repository.set_labels(made, ["sync"]),
        await repository.request_reviewers(1, ["tazlin"]),
        await repository.request_team(1, "org/model-maintainers"),
    ]
    status = str(trouble["status"])
    assert [status in (warning or "") for warning in warnings] == [True] * 3


async def test_people_and_team_are_asked_for_a_review(world: GithubWorld, repository: Repository) -> None:
    await repository.create_pull("sync/a", "main", "Title", "")
    assert await repository.request_reviewers(1, ["tazlin", "db0"]) is None
    assert await repository.request_team(1, "Haidra-Org/model-maintainers") is None
    assert world.small.pulls[1].reviewers == ["tazlin", "db0"]
    assert world.small.pulls[1].team_reviewers == ["model-maintainers"]


async def test_nobody_to_ask_costs_no_call(world: GithubWorld, repository: Repository) -> None:
    assert await repository.request_reviewers(1, []) is None
    assert await repository.request_team(1, "") is None
    assert world.calls() == []


async def test_reviewer_whom_github_does_not_know_costs_the_others_nothing(
    world: GithubWorld, repository: Repository
) -> None:
    await repository.create_pull("sync/a", "main", "Title", "")
    warning = await repository.request_reviewers(1, ["tazlin", "stranger", "db0"])
    assert warning is not None
    assert "not a collaborator" in warning
    assert world.small.pulls[1].reviewers == ["tazlin", "db0"]

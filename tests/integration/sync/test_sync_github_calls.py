"""Every row of the table of answers, and what becomes of calls that fail (sync.md section 9)."""

import time
from collections.abc import AsyncIterator

import pytest

from service_kit.telemetry import Telemetry
from support.github_world import (
    TOKEN,
    GithubWorld,
    SleepingClock,
    github_world,
    small_repository,
)
from support.metrics import sample
from support.reference_data import requires_shared
from sync_worker.github.errors import (
    AuthenticationFailed,
    BaseMoved,
    GithubFailed,
    GithubRefused,
    GithubUnavailable,
    RateLimited,
)
from sync_worker.github.transport import MAX_BODY_BYTES

pytestmark = requires_shared

REF = "/repos/*/git/ref/heads/main"
BLOBS = "/repos/*/git/blobs"


@pytest.fixture
async def world() -> AsyncIterator[GithubWorld]:
    async with github_world() as world:
        yield world


async def test_valid_call_is_made_once_with_the_token_in_its_header_only(world: GithubWorld) -> None:
    async with small_repository(world) as repository:
        base = await repository.base("main")
    assert base.commit_sha == world.small.refs["refs/heads/main"]
    assert [entry["auth"] for entry in world.fake.log] == [True, True]
    assert all(TOKEN not in entry["path"] + str(entry["query"]) for entry in world.fake.log)


@pytest.mark.parametrize("trouble", [{"status": 500}, {"status": 502}, {"drop": True}, {"garbage": True}])
async def test_passing_trouble_is_tried_again_after_a_pause(
    world: GithubWorld, trouble: dict[str, object]
) -> None:
    clock, telemetry = SleepingClock(), Telemetry("test")
    world.fault(REF, count=2, **trouble)
    async with small_repository(world, clock=clock, telemetry=telemetry) as repository:
        base = await repository.base("main")
    assert base.commit_sha == world.small.refs["refs/heads/main"]
    assert len(world.calls("GET", REF)) >= 3  # the HTTP client repeats a read on a broken connection itself
    assert 1 <= len(clock.sleeps) <= 2
    assert sample(telemetry, "retries_total", neighbour="github") == len(clock.sleeps)


async def test_lasting_trouble_is_given_up_after_three_tries(world: GithubWorld) -> None:
    world.fault(REF, count=None, status=503)
    async with small_repository(world) as repository:
        with pytest.raises(GithubUnavailable, match=r"read the base branch \(status 503\)"):
            await repository.base("main")
    assert len(world.calls("GET", REF)) == 3


async def test_github_that_never_answers_is_given_up_in_bounded_time(world: GithubWorld) -> None:
    world.fault(REF, count=None, hang=True)
    timing = SleepingClock().timing(request_seconds=0.2)
    async with small_repository(world, timing=timing) as repository:
        with pytest.raises(GithubUnavailable, match="in time"):
            await repository.base("main")
    assert len(world.calls("GET", REF)) == 3


async def test_github_that_cannot_be_reached_is_told_by_no_address(world: GithubWorld) -> None:
    world.url = "http://127.0.0.1:1/"
    async with small_repository(world) as repository:
        with pytest.raises(GithubUnavailable) as caught:
            await repository.base("main")
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_refused_token_that_cannot_be_renewed_ends_the_run_at_once(world: GithubWorld) -> None:
    async with small_repository(world, HORDE_GITHUB_SYNC_GITHUB_TOKEN="ghp_of_nobody") as repository:
        with pytest.raises(AuthenticationFailed, match="Bad credentials"):
            await repository.delete_branch("sync/x")
    assert len(world.calls()) == 1


async def test_used_up_limit_is_waited_for_until_its_reset(world: GithubWorld) -> None:
    clock, telemetry = SleepingClock(), Telemetry("test")
    world.fault(BLOBS, primary_rate_limit=True, retry_after=40)
    async with small_repository(world, clock=clock, telemetry=telemetry) as repository:
        await repository.create_tree((await repository.base("main")).tree_sha, {"blip.json": b"{}\n"})
    assert 35 <= sum(clock.sleeps) <= 42
    assert len(world.calls("POST", BLOBS)) == 2
    assert sample(telemetry, "github_limits_total", limit="primary") == 1


async def test_limit_that_ends_far_away_gives_the_run_up_and_says_until_when(world: GithubWorld) -> None:
    clock = SleepingClock()
    world.fault(REF, count=None, primary_rate_limit=True, retry_after=3000)
    async with small_repository(world, clock=clock) as repository:
        with pytest.raises(RateLimited) as caught:
            await repository.base("main")
        with pytest.raises(RateLimited):
            await repository.base("main")
    assert 2900 <= caught.value.until - time.time() <= 3100
    assert clock.sleeps == []
    assert len(world.calls()) == 1  # nothing more is asked before that


async def test_secondary_limit_is_waited_for_as_long_as_it_says_and_writes_become_slow(
    world: GithubWorld,
) -> None:
    clock, telemetry = SleepingClock(), Telemetry("test")
    world.fault(BLOBS, secondary_rate_limit=True, retry_after=7)
    async with small_repository(world, clock=clock, telemetry=telemetry) as repository:
        tree = (await repository.base("main")).tree_sha
        await repository.create_tree(tree, {"blip.json": b"{}\n", "clip.json": b"[]\n"})
    assert clock.sleeps == pytest.approx([7, 1, 1], abs=0.01)  # then a write a second: two files, a tree
    assert sample(telemetry, "github_limits_total", limit="secondary") == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 403, "body": {"message": "You have exceeded a secondary rate limit."}},
        {"status": 429, "body": {"message": "Too many."}},
        {"status": 403, "body": {"message": "x"}, "headers": {"Retry-After": "60"}},
    ],
)
async def test_secondary_limit_without_a_time_is_waited_for_a_minute(
    world: GithubWorld, answer: dict[str, object]
) -> None:
    clock = SleepingClock()
    world.fault(REF, **answer)
    async with small_repository(world, clock=clock) as repository:
        await repository.base("main")
    assert clock.sleeps == pytest.approx([60], abs=0.01)


async def test_limit_that_never_ends_is_given_up(world: GithubWorld) -> None:
    clock = SleepingClock()
    world.fault(REF, count=None, secondary_rate_limit=True, retry_after=2)
    async with small_repository(world, clock=clock) as repository:
        with pytest.raises(RateLimited):
            await repository.base("main")
    assert len(world.calls("GET", REF)) == 4
    assert clock.sleeps == pytest.approx([2, 2, 2], abs=0.01)


async def test_limit_of_one_repository_holds_for_the_other_of_the_same_account(world: GithubWorld) -> None:
    clock = SleepingClock()
    world.fault(REF, count=None, primary_rate_limit=True, retry_after=3000)
    async with small_repository(world, clock=clock) as repository:
        with pytest.raises(RateLimited):
            await repository.base("main")
        with pytest.raises(RateLimited):
            await repository.create_tree("0" * 40, {})
    assert len(world.calls()) == 1


async def test_missing_permission_is_reported_and_not_tried_again(world: GithubWorld) -> None:
    token = world.fake.tokens[TOKEN]
    token.permissions = {"contents": "read"}
    async with small_repository(world) as repository:
        tree = (await repository.base("main")).tree_sha
        with pytest.raises(GithubRefused, match=r"missing permission.*not accessible") as caught:
            await repository.create_tree(tree, {"blip.json": b"{}\n"})
    assert caught.value.answered_status == 403
    assert len(world.writes()) == 1


async def test_needed_permission_is_told_where_github_names_it(world: GithubWorld) -> None:
    headers = {"X-Accepted-GitHub-Permissions": "contents=write"}
    world.fault(REF, status=403, body={"message": "no"}, headers=headers)
    async with small_repository(world) as repository:
        with pytest.raises(GithubRefused, match=r"no \(needs contents=write\)"):
            await repository.base("main")


async def test_missing_repository_is_refused_for_reads_and_writes(world: GithubWorld) -> None:
    world.fault("/repos/*", count=None, status=404, body={"message": "Not Found"})
    async with small_repository(world) as repository:
        with pytest.raises(GithubRefused, match="Not Found"):
            await repository.base("main")
        with pytest.raises(GithubRefused, match="no access to the repository"):
            await repository.close_pull(1)
    assert len(world.calls()) == 2


async def test_renamed_repository_is_refused_and_the_token_goes_nowhere_else(world: GithubWorld) -> None:
    world.fault(REF, status=301, headers={"Location": f"{world.url}rate_limit"})
    async with small_repository(world) as repository:
        with pytest.raises(GithubRefused, match="renamed"):
            await repository.base("main")
    assert world.calls("GET", "/rate_limit") == []


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 409, "body": {"message": "Conflict"}},
        {"status": 422, "body": {"message": "Update is not a fast forward"}},
        {"status": 422, "body": {"message": "Reference does not exist"}},
    ],
)
async def test_moved_branch_is_told_from_other_refusals(
    world: GithubWorld, answer: dict[str, object]
) -> None:
    world.small.refs["refs/heads/sync/x"] = world.small.refs["refs/heads/main"]
    world.fault("/repos/*/git/refs/*", **answer)
    async with small_repository(world) as repository:
        with pytest.raises(BaseMoved):
            await repository.put_branch("sync/x", world.small.refs["refs/heads/main"], force=True)
    assert len(world.writes()) == 1


async def test_other_refusal_of_a_value_is_reported_with_the_reason_of_github(world: GithubWorld) -> None:
    body = {
        "message": "Validation Failed",
        "errors": [{"message": "no \x1b[31mway"}, {"field": "f", "code": "c"}],
    }
    world.fault("/repos/*/git/refs/*", status=422, body=body)
    async with small_repository(world) as repository:
        with pytest.raises(GithubRefused) as caught:
            await repository.delete_branch("sync/x")
    assert str(caught.value).endswith("delete a branch (status 422): Validation Failed; no  [31mway; f c")


async def test_token_that_github_repeats_stands_in_no_error(world: GithubWorld) -> None:
    world.fault(REF, status=403, body={"message": f"your token {TOKEN} may not"})
    async with small_repository(world) as repository:
        with pytest.raises(GithubRefused) as caught:
            await repository.base("main")
    assert TOKEN not in str(caught.value)
    assert "(hidden)" in str(caught.value)


async def test_answer_without_an_end_is_not_taken(world: GithubWorld) -> None:
    world.fault(REF, count=None, status=200, body="x" * (MAX_BODY_BYTES + 1))
    async with small_repository(world) as repository:
        with pytest.raises(GithubFailed, match="too much"):
            await repository.base("main")
    assert len(world.calls()) == 1


async def test_calls_and_what_is_left_of_the_quota_are_measured(world: GithubWorld) -> None:
    telemetry = Telemetry("test")
    async with small_repository(world, telemetry=telemetry) as repository:
        assert sample(telemetry, "github_quota_remaining") == -1
        await repository.base("main")
        world.fault(REF, status=403)
        with pytest.raises(GithubRefused):
            await repository.base("main")
    labels = {"operation": "read the base branch"}
    assert sample(telemetry, "github_call_seconds_count", outcome="ok", **labels) == 1
    assert sample(telemetry, "github_call_seconds_count", outcome="GithubRefused", **labels) == 1
    assert sample(telemetry, "github_quota_remaining") == world.fake.limit - len(world.calls())

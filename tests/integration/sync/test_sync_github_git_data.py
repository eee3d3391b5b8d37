"""Branches, commits, trees and files by GitHub's git interface (sync.md section 9)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from support.github_world import FILES, GithubWorld, github_client, github_world, small_repository
from support.reference_data import SHARED, requires_shared
from sync_worker.github.errors import BaseMoved, GithubFailed, GithubRefused, GithubUnavailable
from sync_worker.github.git_objects import Identity
from sync_worker.github.repository import Repository

pytestmark = requires_shared

BOT = Identity("Bot", "bot@example.invalid", "Robot", "robot@example.invalid")
MOMENT = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC)
REFS = "/repos/*/git/refs"


@pytest.fixture
async def world() -> AsyncIterator[GithubWorld]:
    async with github_world() as world:
        yield world


@pytest.fixture
async def repository(world: GithubWorld) -> AsyncIterator[Repository]:
    async with small_repository(world) as repository:
        yield repository


def main_sha(world: GithubWorld) -> str:
    sha: str = world.small.refs["refs/heads/main"]
    return sha


async def test_base_tells_commit_tree_and_time(world: GithubWorld, repository: Repository) -> None:
    base = await repository.base("main")
    commit = world.small.commits[main_sha(world)]
    assert (base.commit_sha, base.tree_sha) == (commit.sha, commit.tree)
    assert base.committed_at.timestamp() == commit.committer.when
    assert base.committed_at.tzinfo is not None


async def test_files_are_read_byte_for_byte_and_missing_ones_are_none(
    world: GithubWorld, repository: Repository
) -> None:
    base = await repository.base("main")
    world.small.commit_files("main", {"blip.json": "later"}, "while we read")
    found = await repository.files(base.tree_sha, ["blip.json", "clip.json", "esrgan.json"])
    assert found == {"blip.json": FILES["blip.json"], "clip.json": FILES["clip.json"], "esrgan.json": None}


async def test_file_of_more_than_a_mebibyte_is_read_whole() -> None:
    async with github_world(with_real_data=True) as world, github_client(world) as github:
        repository = github.repository("Haidra-Org", "AI-Horde-text-model-reference")
        base = await repository.base("main")
        found = await repository.files(base.tree_sha, ["db.json", "models.csv"])
    text = SHARED / "data" / "text"
    assert found == {name: (text / name).read_bytes() for name in ("db.json", "models.csv")}


@pytest.mark.parametrize("content", ["eA==", "e", ""])
async def test_file_that_is_not_the_one_asked_for_is_refused(
    world: GithubWorld, repository: Repository, content: str
) -> None:
    base = await repository.base("main")
    body = {"encoding": "base64", "content": content}
    world.fault("/repos/*/git/blobs/*", count=None, status=200, body=body)
    with pytest.raises(GithubUnavailable, match="another file"):
        await repository.files(base.tree_sha, ["blip.json"])


async def test_tree_that_is_told_in_part_is_refused(world: GithubWorld, repository: Repository) -> None:
    base = await repository.base("main")
    body = {"sha": base.tree_sha, "tree": [], "truncated": True}
    world.fault("/repos/*/git/trees/*", status=200, body=body)
    with pytest.raises(GithubFailed, match="too large"):
        await repository.files(base.tree_sha, ["blip.json"])


async def test_trees_that_are_many_are_read_again(world: GithubWorld, repository: Repository) -> None:
    shas = [world.small.add_tree([("100644", f"{n}", world.small.add_blob(b""))]) for n in range(10)]
    for sha in [*shas, shas[-1], shas[0]]:
        assert list((await repository.files(sha, ["x"])).values()) == [None]
    assert len(world.calls("GET", "/repos/*/git/trees/*")) == 11


async def test_branch_that_may_not_be_read_is_no_missing_one(
    world: GithubWorld, repository: Repository
) -> None:
    world.fault("/repos/*/git/ref/*", status=403)
    with pytest.raises(GithubRefused):
        await repository.branch("sync/a")


async def test_folder_in_place_of_a_file_is_refused(repository: Repository) -> None:
    base = await repository.base("main")
    with pytest.raises(GithubFailed, match="scripts in Haidra-Org/small is not a plain file"):
        await repository.files(base.tree_sha, ["scripts"])


async def test_wanted_tree_is_the_one_that_git_would_make_and_nothing_is_written(
    world: GithubWorld, repository: Repository
) -> None:
    base = await repository.base("main")
    files = {"blip.json": b"{}\n", "zoo.json": b"[]\n", "clip.json": None, "not there": None}
    wanted = await repository.wanted_tree(base.tree_sha, files)
    assert world.writes() == []
    made = world.small.commit_files(
        "other", {"blip.json": "{}\n", "zoo.json": "[]\n", "clip.json": None}, "m", start="main"
    )
    assert wanted == world.small.commits[made].tree
    assert await repository.wanted_tree(base.tree_sha, {}) == base.tree_sha


async def test_created_tree_is_the_wanted_one_and_keeps_every_other_file(
    world: GithubWorld, repository: Repository
) -> None:
    base = await repository.base("main")
    files = {"blip.json": b"\x00\xff", "zoo.json": b"[]\n", "clip.json": None, "not there": None}
    tree = await repository.create_tree(base.tree_sha, files)
    assert tree == await repository.wanted_tree(base.tree_sha, files)
    found = {path: world.small.blobs[sha] for path, (_, sha) in world.small.flatten(tree).items()}
    kept = {path: FILES[path] for path in ("README.md", "scripts/check.py")}
    assert found == {**kept, "blip.json": b"\x00\xff", "zoo.json": b"[]\n"}


@pytest.mark.parametrize("path", ["/repos/*/git/blobs", "/repos/*/git/trees", "/repos/*/git/commits"])
@pytest.mark.parametrize(
    "trouble", [{"status": 500}, {"lost_answer": True}, {"drop": True}, {"garbage": True}]
)
async def test_passing_trouble_with_a_write_leads_to_the_same_commit(
    world: GithubWorld, repository: Repository, path: str, trouble: dict[str, object]
) -> None:
    base = await repository.base("main")

    async def commit() -> str:
        tree = await repository.create_tree(base.tree_sha, {"blip.json": b"{}\n"})
        return await repository.create_commit(tree, [base.commit_sha], "subject\n\nbody", BOT, MOMENT)

    first = await commit()
    count = len(world.small.commits)
    world.fault(path, method="POST", **trouble)
    assert await commit() == first
    assert len(world.small.commits) == count
    assert len(world.calls("POST", path)) == 3


async def test_commit_is_by_author_and_committer_at_that_time(
    world: GithubWorld, repository: Repository
) -> None:
    base = await repository.base("main")
    sha = await repository.create_commit(base.tree_sha, [base.commit_sha], "subject\n\nbödy", BOT, MOMENT)
    made = world.small.commits[sha]
    assert (made.message, made.parents) == ("subject\n\nbödy", [base.commit_sha])
    when = int(MOMENT.timestamp())
    assert (made.author.name, made.author.email, made.author.when) == ("Bot", "bot@example.invalid", when)
    assert (made.committer.name, made.committer.email) == ("Robot", "robot@example.invalid")
    read = await repository.commit(sha)
    assert (read.sha, read.tree_sha, read.parents) == (sha, base.tree_sha, (base.commit_sha,))
    assert (read.author_email, read.committed_at.timestamp()) == ("bot@example.invalid", when)


async def test_tree_that_is_not_the_wanted_one_is_refused(world: GithubWorld, repository: Repository) -> None:
    base = await repository.base("main")
    world.fault("/repos/*/git/trees", method="POST", status=201, body={"sha": "0" * 40})
    with pytest.raises(GithubFailed, match="another tree"):
        await repository.create_tree(base.tree_sha, {"blip.json": b"{}\n"})


async def test_new_branch_is_created_and_found(world: GithubWorld, repository: Repository) -> None:
    assert await repository.branch("sync/a") is None
    await repository.put_branch("sync/a", main_sha(world), force=False)
    assert await repository.branch("sync/a") == main_sha(world)
    assert await repository.branches() == {"sync/a": main_sha(world)}


@pytest.mark.parametrize(
    "trouble", [{"lost_answer": True}, {"status": 500}, {"drop": True}, {"garbage": True}]
)
async def test_new_branch_is_made_once_although_an_answer_is_lost(
    world: GithubWorld, repository: Repository, trouble: dict[str, object]
) -> None:
    world.fault(REFS, method="POST", **trouble)
    await repository.put_branch("sync/a", main_sha(world), force=False)
    assert world.small.refs["refs/heads/sync/a"] == main_sha(world)
    was_made = bool(trouble.get("lost_answer"))
    assert len(world.calls("POST", REFS)) == (1 if was_made else 2)


async def test_new_branch_that_is_there_with_the_same_commit_is_adopted(
    world: GithubWorld, repository: Repository
) -> None:
    for _ in range(2):
        await repository.put_branch("sync/a", main_sha(world), force=False)
    assert len(world.calls("POST", REFS)) == 2


async def test_new_branch_that_is_there_with_another_commit_is_left_alone(
    world: GithubWorld, repository: Repository
) -> None:
    other = world.small.commit_files("sync/a", {"x": "y"}, "m", start="main")
    with pytest.raises(BaseMoved):
        await repository.put_branch("sync/a", main_sha(world), force=False)
    assert world.small.refs["refs/heads/sync/a"] == other


async def test_forced_branch_is_moved_to_what_does_not_follow(
    world: GithubWorld, repository: Repository
) -> None:
    world.small.commit_files("sync/a", {"x": "y"}, "m", start="main")
    world.fault("/repos/*/git/refs/*", method="PATCH", lost_answer=True)
    await repository.put_branch("sync/a", main_sha(world), force=True)
    assert world.small.refs["refs/heads/sync/a"] == main_sha(world)


async def test_forced_branch_that_has_gone_is_not_made_again(
    world: GithubWorld, repository: Repository
) -> None:
    with pytest.raises(BaseMoved):
        await repository.put_branch("sync/a", main_sha(world), force=True)
    assert "refs/heads/sync/a" not in world.small.refs


async def test_protected_branch_is_a_refusal(world: GithubWorld, repository: Repository) -> None:
    world.small.protected.add("main")
    with pytest.raises(GithubRefused, match="protected"):
        await repository.put_branch("main", main_sha(world), force=True)


@pytest.mark.parametrize("trouble", [None, {"lost_answer": True}, {"status": 502}])
async def test_branch_is_deleted_once_and_for_all(
    world: GithubWorld, repository: Repository, trouble: dict[str, object] | None
) -> None:
    world.small.refs["refs/heads/sync/a"] = world.small.refs["refs/heads/sync/b"] = main_sha(world)
    if trouble:
        world.fault("/repos/*/git/refs/*", method="DELETE", **trouble)
    await repository.delete_branch("sync/a")
    await repository.delete_branch("sync/a")
    assert sorted(world.small.refs) == ["refs/heads/main", "refs/heads/sync/b"]


async def test_merge_result_on_the_same_base_is_the_tree_of_the_branch(
    world: GithubWorld, repository: Repository
) -> None:
    head = world.small.commit_files("sync/a", {"blip.json": "{}"}, "m", start="main")
    result = await repository.merge_result(await repository.base("main"), head)
    assert result == world.small.commits[head].tree


async def test_merge_result_on_a_later_base_is_what_a_merge_makes(
    world: GithubWorld, repository: Repository
) -> None:
    files = {"blip.json": "{}", "new.json": "[]", "clip.json": None}
    head = world.small.commit_files("sync/a", files, "m", start="main")
    world.small.commit_files("main", {"README.md": "later", "new.json": "[]"}, "foreign")
    result = await repository.merge_result(await repository.base("main"), head)
    later = {"README.md": "later", "new.json": "[]", "blip.json": "{}", "clip.json": None}
    merged = world.small.commit_files("merged", later, "m", start="main")
    assert result == world.small.commits[merged].tree


async def test_merge_that_contradicts_the_base_has_no_result(
    world: GithubWorld, repository: Repository
) -> None:
    head = world.small.commit_files("sync/a", {"blip.json": "{}"}, "m", start="main")
    world.small.commit_files("main", {"blip.json": "[]"}, "foreign")
    assert await repository.merge_result(await repository.base("main"), head) is None


async def test_merge_commit_as_the_head_has_no_result_that_is_understood(
    world: GithubWorld, repository: Repository
) -> None:
    base = await repository.base("main")
    other = world.small.commit_files("other", {"x": "y"}, "m", start="main")
    head = await repository.create_commit(base.tree_sha, [base.commit_sha, other], "m", BOT, MOMENT)
    assert await repository.merge_result(base, head) is None


async def test_names_with_odd_characters_reach_github_as_they_are(
    world: GithubWorld, repository: Repository
) -> None:
    name = "sync/50%-é#1?x=y&z"
    await repository.put_branch(name, main_sha(world), force=False)
    assert await repository.branch(name) == main_sha(world)
    await repository.delete_branch(name)
    assert list(world.small.refs) == ["refs/heads/main"]

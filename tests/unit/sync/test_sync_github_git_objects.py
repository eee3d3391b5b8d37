"""Names of git objects, and merges of trees."""

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.github.git_objects import Tree, TreeEntry, git_time, object_sha

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
BLOB = "ce013625030ba8dba906f756967f9e9ca394464a"

names = st.sampled_from(["a", "a.json", "a-b", "b", "é"])
trees = st.dictionaries(
    names, st.sampled_from([BLOB, EMPTY_TREE]).map(lambda sha: TreeEntry("100644", sha))
).map(Tree)


def test_content_has_the_name_that_git_gives_it() -> None:
    assert object_sha("blob", b"hello\n") == BLOB
    assert Tree({}).sha == EMPTY_TREE


def test_folders_are_ordered_as_git_does() -> None:
    tree = Tree({"a": TreeEntry("040000", EMPTY_TREE), "a.b": TreeEntry("100644", BLOB)})
    lines = b"100644 a.b\0" + bytes.fromhex(BLOB) + b"40000 a\0" + bytes.fromhex(EMPTY_TREE)
    assert tree.sha == object_sha("tree", lines)


def test_changed_file_keeps_its_mode() -> None:
    tree = Tree({"run": TreeEntry("100755", BLOB), "keep": TreeEntry("100644", BLOB)})
    changed = tree.with_files({"run": b"", "new": b"hello\n", "gone": None})
    assert changed.entries["run"].mode == "100755"
    assert changed.entries["new"] == changed.entries["keep"] == TreeEntry("100644", BLOB)
    assert set(changed.entries) == {"run", "new", "keep"}


def test_time_is_told_in_utc_whatever_the_zone() -> None:
    zone = timezone(timedelta(hours=2))
    assert git_time(datetime(2026, 1, 1, 1, 30, tzinfo=zone)) == "2025-12-31T23:30:00Z"


@given(trees, trees)
def test_merge_into_what_did_not_change_is_the_change(before: Tree, after: Tree) -> None:
    assert before.merged(before, after) == after


@given(trees, trees)
def test_merge_of_what_is_there_already_changes_nothing(before: Tree, after: Tree) -> None:
    assert after.merged(before, after) == after


@given(trees, trees)
def test_merge_of_nothing_changes_nothing(here: Tree, before: Tree) -> None:
    assert here.merged(before, before) == here


@given(trees, trees, trees)
def test_merge_does_not_depend_on_who_is_merged_into_whom(before: Tree, one: Tree, other: Tree) -> None:
    assert one.merged(before, other) == other.merged(before, one)

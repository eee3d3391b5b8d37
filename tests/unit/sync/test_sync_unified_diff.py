"""What a diff says is checked by applying it with a few lines of our own."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.reference_data import SHARED, requires_shared
from sync_worker.domain.line_changes import line_changes
from sync_worker.domain.unified_diff import unified_diff

HUNK = re.compile(rb"@@ -(\d+),(\d+) \+(\d+),(\d+) @@\n")
MISSING_END = b"\\ No newline at end of file\n"

texts = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\n", b"d", b"e"]), max_size=30).map(b"".join)
long_texts = st.lists(st.integers(0, 60).map(lambda n: b"%d\n" % n), max_size=120).map(b"".join)


def lines_of(body: bytes) -> list[bytes]:
    return [line for line in re.split(rb"(?<=\n)", body) if line]


def applied(diff: bytes, before: bytes) -> bytes:
    """The file after a patch; asserts that the patch says the truth about what was there."""
    old, result, position = lines_of(before), list[bytes](), 0
    lines = [
        line for line in lines_of(diff) if not line.startswith((b"diff --git", b"new file", b"---", b"+++"))
    ]
    index = 0
    while index < len(lines):
        head = HUNK.fullmatch(lines[index])
        assert head is not None
        start, removed, new_start, added = map(int, head.groups())
        begin = start - 1 if removed else start
        result += old[position:begin]
        assert len(result) == (new_start - 1 if added else new_start)
        position, index, new_end = begin, index + 1, len(result) + added
        while index < len(lines) and not lines[index].startswith(b"@@"):
            sign, text = lines[index][:1], lines[index][1:]
            if lines[index + 1 : index + 2] == [MISSING_END]:
                text, index = text[:-1], index + 1
            if sign in b" -":
                assert old[position] == text
                position += 1
            if sign in b" +":
                result.append(text)
            index += 1
        assert len(result) == new_end
        assert position == begin + removed
    return b"".join((*result, *old[position:]))


@given(texts, texts)
def test_applying_the_diff_gives_the_new_file(before: bytes, after: bytes) -> None:
    assert applied(unified_diff({"f": before}, {"f": after}), before) == after


@given(long_texts, st.data())
def test_a_changed_line_of_a_long_file_is_a_diff_of_two_lines(before: bytes, data: st.DataObject) -> None:
    lines = [b"%d: %s" % pair for pair in enumerate(lines_of(before))]
    lines.append(b"end\n")
    place = data.draw(st.integers(0, len(lines) - 1))
    after = [*lines[:place], b"changed\n", *lines[place + 1 :]]
    [change] = line_changes(lines, after)
    assert (change.old_start, change.old_end, change.new_start, change.new_end) == (place, place + 1) * 2
    diff = unified_diff({"f": b"".join(lines)}, {"f": b"".join(after)})
    assert diff.count(b"\n-") == 1 + 1  # the name of the file, and the line
    assert applied(diff, b"".join(lines)) == b"".join(after)


def test_the_form_is_that_of_git() -> None:
    before = {"b.json": b"1\n2\n3\n4\n5\n", "a.csv": None, "same": b"x"}
    after = {"b.json": b"1\n2\n3\n4\nfive", "a.csv": b"new\r\n", "same": b"x"}
    assert unified_diff(before, after) == (
        b"diff --git a/a.csv b/a.csv\nnew file mode 100644\n--- /dev/null\n+++ b/a.csv\n"
        b"@@ -0,0 +1,1 @@\n+new\r\n"
        b"diff --git a/b.json b/b.json\n--- a/b.json\n+++ b/b.json\n"
        b"@@ -2,4 +2,4 @@\n 2\n 3\n 4\n-5\n+five\n\\ No newline at end of file\n"
    )


def test_a_new_empty_file_has_no_lines() -> None:
    assert unified_diff({}, {"a": b""}) == b"diff --git a/a b/a\nnew file mode 100644\n"


@pytest.mark.parametrize(("between", "hunks"), [(6, 1), (7, 2)])
def test_changes_share_a_hunk_when_their_surroundings_touch(between: int, hunks: int) -> None:
    middle = b"".join(b"%d\n" % number for number in range(between))
    diff = unified_diff({"f": b"a\n" + middle + b"b\n"}, {"f": b"A\n" + middle + b"B\n"})
    assert diff.count(b"@@ -") == hunks


def test_two_long_texts_without_anything_in_common_are_replaced() -> None:
    old, new = [b"a\n", b"b\n"] * 400, [b"c\n", b"a\n"] * 400
    changes = list(line_changes(old, new))
    assert sum(change.old_end - change.old_start for change in changes) > 700
    rebuilt, position = list[bytes](), 0
    for change in changes:
        rebuilt += old[position : change.old_start] + new[change.new_start : change.new_end]
        position = change.old_end
    assert rebuilt + old[position:] == new


@requires_shared
def test_scattered_changes_of_the_largest_file_are_found_one_by_one() -> None:
    before = (SHARED / "data" / "text" / "db.json").read_bytes()
    entries = json.loads(before)
    for name in list(entries)[::50]:
        entries[name]["description"] = "changed"
    for name in list(entries)[7::70]:
        del entries[name]
    after = (json.dumps(entries, indent=4) + "\n").encode()
    diff = unified_diff({"db.json": before}, {"db.json": after})
    assert applied(diff, before) == after
    assert len(diff) < len(before) / 5

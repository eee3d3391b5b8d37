"""Files in anybody's form get the smallest difference that says what is wanted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.documents import SourceUnreadable
from support.json_values import json_records
from support.model_records import FileStyle, a_small_legacy_record, canonical_file
from support.reference_data import SHARED, requires_shared
from sync_worker.domain.category_plan import repository_files, synced_categories
from sync_worker.domain.drift import drift_of
from sync_worker.domain.json_file import updated_json
from sync_worker.domain.line_changes import line_changes

STYLES = st.builds(
    FileStyle,
    newline=st.sampled_from(["\n", "\r\n"]),
    indent=st.sampled_from(["\t", "  ", "    "]),
    colon=st.sampled_from([": ", ":", " : "]),
    first_name_indented=st.booleans(),
    other_indent=st.sampled_from([None, "    ", "\t"]),
    final_newline=st.booleans(),
)
RECORDS = st.dictionaries(st.sampled_from("abcdeé"), json_records)
JSON_CATEGORIES = [category for category in synced_categories() if category != "text_generation"]

HAND_MADE = (
    '{\r\n"a": {\r\n\t"name": "a", "list": ["x",\t"y"],\r\n  \t"n": 1.0,\r\n'
    '\t"é": {"deep": [1, {"k" : null}] }\r\n'
    '\t},\r\n\t"b":{"name":"b"} }'
)


def hand_made(**changes: Any) -> dict[str, Any]:
    records: dict[str, Any] = json.loads(HAND_MADE)
    records["a"].update(changes)
    return records


def changed_lines(before: bytes, after: bytes) -> tuple[list[bytes], list[bytes]]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    changes = list(line_changes(old, new))
    return (
        [line for change in changes for line in old[change.old_start : change.old_end]],
        [line for change in changes for line in new[change.new_start : change.new_end]],
    )


@given(STYLES, RECORDS, RECORDS)
def test_the_file_says_what_is_wanted_and_keeps_the_order(
    style: FileStyle, present: dict[str, Any], wanted: dict[str, Any]
) -> None:
    body = style.render(present)
    after = json.loads(updated_json("blip", body, wanted))
    assert drift_of("blip", wanted, after).total == 0
    assert list(after) == [
        *(name for name in present if name in wanted),
        *(name for name in wanted if name not in present),
    ]


@given(STYLES, RECORDS, st.data())
def test_without_drift_no_byte_changes(
    style: FileStyle, records: dict[str, Any], data: st.DataObject
) -> None:
    body = style.render(records)
    order = data.draw(st.permutations(list(records)))
    assert updated_json("blip", body, {name: records[name] for name in order}) is body


@given(STYLES, st.integers(0, 2), st.sampled_from(["é\n", "", 'with "quotes"', "\U0001f600"]))
def test_one_changed_value_is_one_line_in_any_style(style: FileStyle, place: int, value: str) -> None:
    names = ("a", "b", "c")
    records = {name: a_small_legacy_record(name) for name in names}
    body = style.render(records)
    records[names[place]] = a_small_legacy_record(names[place], description=value)
    after = updated_json("blip", body, records)
    assert after == style.render(records)
    assert tuple(map(len, changed_lines(body, after))) == (1, 1)
    assert after.isascii()


@given(STYLES)
def test_added_and_removed_records_touch_only_their_own_lines(style: FileStyle) -> None:
    records = {name: a_small_legacy_record(name) for name in ("a", "b", "c")}
    body = style.render(records)
    wanted = {name: a_small_legacy_record(name) for name in ("new", "c", "a")}
    wanted_in_file = {name: wanted[name] for name in ("a", "c", "new")}
    assert updated_json("blip", body, wanted) == style.render(wanted_in_file)


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({"n": 2}, '"n": 1.0', '"n": 2'),
        ({"list": ["x", "z"]}, '["x",\t"y"]', '["x",\t"z"]'),
        ({"é": {"deep": [1, {"k": "ö"}]}}, '{"k" : null}', '{"k" : "\\u00f6"}'),
        ({"é": {"deep": [True, {"k": None}]}}, "[1, ", "[true, "),
    ],
)
def test_plain_values_change_within_text_made_by_hand(changes: dict[str, Any], old: str, new: str) -> None:
    after = updated_json("blip", HAND_MADE.encode(), hand_made(**changes))
    assert after.decode() == HAND_MADE.replace(old, new)


@pytest.mark.parametrize(
    "changes",
    [
        {"list": ["x"]},
        {"list": "x"},
        {"n": {}},
        {"é": {}},
        {"é": {"deep": [1, {"k": []}]}},
        {"new": 1},
    ],
)
def test_a_record_that_changes_its_shape_is_written_anew_and_its_neighbour_is_not(
    changes: dict[str, Any],
) -> None:
    after = updated_json("blip", HAND_MADE.encode(), hand_made(**changes))
    assert json.loads(after) == hand_made(**changes)
    assert after.endswith(b'\r\n\t},\r\n\t"b":{"name":"b"} }')
    assert after.count(b"\n") == after.count(b"\r\n")


def test_a_record_written_anew_keeps_the_order_of_its_members() -> None:
    present = {"a": {"z": 1, "y": {"q": 1, "p": 2}, "list": [{"f": 1, "e": 2}]}}
    wanted = {
        "a": {"first": 0, "list": [{"d": 0, "e": 2, "f": 1}, {"n": 1}], "y": {"p": 2, "o": 3, "q": 1}, "z": 1}
    }
    after = json.loads(updated_json("blip", canonical_file(present), wanted))
    assert json.dumps(after["a"]) == json.dumps(
        {"first": 0, "z": 1, "y": {"q": 1, "p": 2, "o": 3}, "list": [{"d": 0, "f": 1, "e": 2}, {"n": 1}]}
    )


def test_records_that_github_has_broken_give_way() -> None:
    body = b'{\n    "a": {\n        "x": 1,\n        "x": 2\n    },\n    "b": 7,\n    "c": {}\n}\n'
    wanted: dict[str, Any] = {"a": {"x": 1}, "b": {"y": 2}, "c": {}}
    assert updated_json("blip", body, wanted) == canonical_file(wanted)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a": {}, "a": {}}', b"\xff", b"\xef\xbb\xbf{}"])
def test_a_file_that_cannot_be_read_is_an_error(body: bytes) -> None:
    with pytest.raises(SourceUnreadable, match="blip"):
        updated_json("blip", body, {})


@requires_shared
@pytest.mark.parametrize("category", JSON_CATEGORIES)
def test_the_real_files_change_in_one_line_for_each_changed_hash(category: str) -> None:
    [path] = repository_files(category)
    body = (SHARED / "data" / "image" / path).read_bytes()
    records = json.loads(body)
    for record in list(records.values())[::15]:
        record["config"]["files"][0]["path"] = "changed"
        after = updated_json(category, body, records)
        assert json.loads(after) == records
        old, new = changed_lines(body, after)
        assert (len(old), len(new)) == (1, 1)
        assert (b"\r\n" in old[0]) == (b"\r\n" in new[0])
        body = after


@requires_shared
@pytest.mark.parametrize("category", JSON_CATEGORIES)
def test_the_real_files_lose_only_the_lines_of_what_is_removed(category: str) -> None:
    [path] = repository_files(category)
    body = (SHARED / "data" / "image" / path).read_bytes()
    records = json.loads(body)
    gone = list(records)[-1]
    del records[gone]
    after = updated_json(category, body, records)
    assert json.loads(after) == records
    _, new = changed_lines(body, after)
    assert len(new) <= 1  # the record that is now the last has no comma behind it

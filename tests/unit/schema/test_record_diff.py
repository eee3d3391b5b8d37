from typing import Any

import pytest
from hypothesis import given

from horde_model_reference.documents import Record
from horde_model_reference.record_diff import (
    CRITICAL_PATHS,
    ChangeType,
    FieldDiff,
    Operation,
    diff_records,
    same_value,
)
from support.json_values import json_records


def an_update(old: Record, new: Record, category: str = "clip") -> tuple[FieldDiff, ...]:
    return diff_records(category, old, new, operation="update").field_diffs


def test_changed_scalar_names_both_values() -> None:
    assert an_update({"name": "m", "description": "one"}, {"name": "m", "description": "two"}) == (
        FieldDiff("description", "one", "two", "modified"),
    )


def test_fields_are_sorted_into_added_removed_and_modified() -> None:
    diff = diff_records("clip", {"a": 1, "b": 2}, {"b": 3, "c": 4}, operation="update")
    assert (diff.fields_added, diff.fields_removed, diff.fields_modified) == (("c",), ("a",), ("b",))
    assert diff.net_operation == "modified"


def test_objects_are_walked_and_lists_compared_as_a_whole() -> None:
    old = {"config": {"download": [{"file_name": "a"}], "kept": 1}}
    new = {"config": {"download": [{"file_name": "b"}], "kept": 1}}
    assert an_update(old, new) == (
        FieldDiff("config.download", [{"file_name": "a"}], [{"file_name": "b"}], "modified"),
    )


def test_two_sided_diff_is_in_key_order_and_one_sided_in_record_order() -> None:
    old: Record = {"z": 1, "a": {"y": 1, "b": 1}}
    new: Record = {"z": 2, "a": {"y": 2, "b": 2}}
    assert [item.field_path for item in an_update(old, new)] == ["a.b", "a.y", "z"]
    created = diff_records("clip", None, new, operation="create")
    assert created.fields_added == ("z", "a.y", "a.b")


def test_object_in_place_of_a_scalar_is_one_modified_field() -> None:
    assert an_update({"a": 1}, {"a": {"b": 1}}) == (FieldDiff("a", 1, {"b": 1}, "modified"),)


def test_object_that_is_new_or_gone_is_listed_field_by_field() -> None:
    assert an_update({}, {"a": {"b": {"c": 1}}}) == (FieldDiff("a.b.c", None, 1, "added"),)
    assert an_update({"a": {"b": {"c": 1}}}, {}) == (FieldDiff("a.b.c", 1, None, "removed"),)


def test_empty_object_makes_no_entry() -> None:
    diff = diff_records("clip", {"name": "m"}, {"name": "m", "config": {}}, operation="update")
    assert (diff.net_operation, diff.field_diffs) == ("unchanged", ())


def test_null_and_absent_differ() -> None:
    assert an_update({"a": None}, {}) == (FieldDiff("a", None, None, "removed"),)
    assert an_update({}, {"a": None}) == (FieldDiff("a", None, None, "added"),)


@pytest.mark.parametrize(
    ("old", "new"), [(1, True), (0, False), (1, 1.0), (0, None), ("1", 1), ([1], [True])]
)
def test_values_that_python_takes_for_equal_differ(old: object, new: object) -> None:
    assert an_update({"a": old}, {"a": new}) == (FieldDiff("a", old, new, "modified"),)


def test_order_of_keys_is_no_difference_at_any_depth() -> None:
    old = {"a": [{"x": 1, "y": 2}], "b": {"x": 1, "y": 2}}
    new = {"b": {"y": 2, "x": 1}, "a": [{"y": 2, "x": 1}]}
    assert diff_records("clip", old, new, operation="update").net_operation == "unchanged"


@pytest.mark.parametrize(
    ("operation", "current", "proposed", "net"),
    [
        ("create", None, {"a": 1}, "added"),
        ("update", None, {"a": 1}, "added"),
        ("create", {"a": 1}, {"a": 2}, "modified"),
        ("update", {"a": 1}, {"a": 1}, "unchanged"),
        ("delete", {"a": 1}, {"a": 1}, "deleted"),
        ("delete", {"a": 1}, None, "deleted"),
        ("delete", None, {"a": 1}, "unchanged"),
        ("delete", {}, None, "deleted"),
    ],
)
def test_net_operation_follows_from_what_is_live(
    operation: Operation, current: Record | None, proposed: Record | None, net: str
) -> None:
    assert diff_records("clip", current, proposed, operation=operation).net_operation == net


def test_deletion_lists_every_field_and_is_critical() -> None:
    live: Record = {"name": "m", "baseline": "x", "config": {"download": []}}
    diff = diff_records("image_generation", live, live, operation="delete")
    assert diff.fields_removed == ("name", "baseline", "config.download")
    assert diff.is_critical


def test_deletion_is_critical_even_when_no_critical_field_is_set() -> None:
    assert diff_records("blip", {"name": "m"}, None, operation="delete").is_critical
    assert not diff_records("blip", None, None, operation="delete").is_critical


@pytest.mark.parametrize(
    ("category", "path"),
    [
        *(("image_generation", name) for name in ("baseline", "nsfw", "inpainting", "trigger", "homepage")),
        *(("text_generation", name) for name in ("baseline", "nsfw", "url", "parameters")),
        *((category, name) for category in ("controlnet", "blip", "clip") for name in ("style", "nsfw")),
        *((category, "style") for category in ("codeformer", "esrgan", "gfpgan", "safety_checker")),
    ],
)
def test_listed_field_is_critical(category: str, path: str) -> None:
    assert diff_records(category, {path: 1}, {path: 2}, operation="update").is_critical


@pytest.mark.parametrize(
    ("category", "old", "critical"),
    [
        ("clip", {"description": "d"}, False),
        ("clip", {"baseline": "b"}, False),
        ("text_generation", {"style": "s"}, False),
        ("image_generation", {"baseline_of": "b"}, False),
        ("image_generation", {"trigger": {"below": 1}}, True),
        ("image_generation", {"x": {"baseline": 1}}, False),
        ("clip", {"config": {"download": {"below": 1}}}, True),
        ("clip", {"config": {"downloads": 1}}, False),
        ("clip", {"config": {"files": 1}}, False),
        ("lora", {"nsfw": True, "config": {"download": [1]}}, False),
        ("miscellaneous", {"config": {"download": [1]}}, False),
    ],
)
def test_critical_is_a_listed_path_or_one_below_it(category: str, old: Record, critical: bool) -> None:
    assert diff_records(category, old, {}, operation="update").is_critical is critical


def test_downloads_are_critical_in_every_listed_category() -> None:
    assert all("config.download" in paths for paths in CRITICAL_PATHS.values())


@given(json_records, json_records)
def test_diff_of_two_records_is_that_of_the_other_way_reversed(one: Record, other: Record) -> None:
    def reversed_type(change_type: ChangeType) -> str:
        return {"added": "removed", "removed": "added", "modified": "modified"}[change_type]

    there = an_update(one, other)
    back = {
        (item.field_path, repr(item.new_value), repr(item.old_value), reversed_type(item.change_type))
        for item in an_update(other, one)
    }
    assert {
        (item.field_path, repr(item.old_value), repr(item.new_value), item.change_type) for item in there
    } == back


@given(json_records, json_records)
def test_records_without_differences_are_the_same_but_for_empty_objects(one: Record, other: Record) -> None:
    if not an_update(one, other):
        assert same_value(without_empty_objects(one), without_empty_objects(other))


def without_empty_objects(value: dict[str, Any]) -> dict[str, Any]:
    kept = {
        key: without_empty_objects(item) if isinstance(item, dict) else item for key, item in value.items()
    }
    return {key: item for key, item in kept.items() if item != {}}

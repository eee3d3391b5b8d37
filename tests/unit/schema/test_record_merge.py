from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.documents import Record
from horde_model_reference.record_diff import same_value
from horde_model_reference.record_merge import MergeConflict, merge_three_way
from support.json_values import json_records, json_values

plain_records = json_records.map(lambda record: {k: v for k, v in record.items() if k != "metadata"})


def test_edits_of_different_fields_are_both_kept() -> None:
    base = {"name": "m", "description": "d", "version": "1"}
    merged = merge_three_way(base, {**base, "version": "2"}, {**base, "description": "from a"})
    assert merged == {"name": "m", "description": "from a", "version": "2"}


def test_different_edits_of_one_field_are_a_conflict_that_names_it() -> None:
    base = {"name": "m", "description": "d", "nsfw": False, "config": {"download": [1], "x": 1}}
    with pytest.raises(MergeConflict, match=r"config\.download, description$") as raised:
        merge_three_way(
            base,
            {**base, "description": "b", "nsfw": True, "config": {"download": [2], "x": 1}},
            {**base, "description": "a", "config": {"download": [3], "x": 1}},
        )
    assert raised.value.fields == ("config.download", "description")


def test_same_edit_on_both_sides_is_no_conflict() -> None:
    assert merge_three_way({"a": 1}, {"a": 2}, {"a": 2, "b": 1}) == {"a": 2, "b": 1}


def test_objects_are_merged_field_by_field() -> None:
    base = {"settings": {"top_k": 1, "top_p": 2}}
    merged = merge_three_way(base, {"settings": {"top_k": 9, "top_p": 2}}, {"settings": {"top_k": 1}})
    assert merged == {"settings": {"top_k": 9}}


def test_lists_are_changed_as_a_whole() -> None:
    with pytest.raises(MergeConflict):
        merge_three_way({"tags": ["a"]}, {"tags": ["a", "b"]}, {"tags": ["c", "a"]})


def test_removal_against_an_edit_is_a_conflict() -> None:
    with pytest.raises(MergeConflict):
        merge_three_way({"a": 1}, {}, {"a": 2})
    with pytest.raises(MergeConflict):
        merge_three_way({"a": 1}, {"a": 2}, {})


def test_removed_object_keeps_what_the_other_side_added_to_it() -> None:
    assert merge_three_way({"a": {"x": 1}}, {}, {"a": {"x": 1, "y": 2}}) == {"a": {"y": 2}}


def test_removed_object_is_gone_when_the_other_side_only_removed_too() -> None:
    assert merge_three_way({"a": {"x": 1, "y": 2}}, {}, {"a": {"x": 1}}) == {}


def test_object_in_place_of_a_scalar_is_a_conflict_with_its_removal() -> None:
    with pytest.raises(MergeConflict) as raised:
        merge_three_way({"a": 5}, {}, {"a": {"x": 1}})
    assert raised.value.fields == ("a",)


def test_null_is_not_absent() -> None:
    assert merge_three_way({"a": None}, {}, {"a": None, "b": 1}) == {"b": 1}
    assert merge_three_way({}, {"a": None}, {"b": 1}) == {"b": 1, "a": None}
    with pytest.raises(MergeConflict):
        merge_three_way({"a": 1}, {"a": None}, {})


def test_number_in_another_writing_is_an_edit() -> None:
    with pytest.raises(MergeConflict):
        merge_three_way({"a": 1}, {"a": True}, {"a": 1.0})


def test_metadata_is_that_of_the_current_record() -> None:
    stamps = {"created_at": 1, "updated_at": 9}
    merged = merge_three_way(
        {"metadata": {"created_at": 1, "updated_at": 2}, "a": 1},
        {"metadata": {"created_at": 1, "updated_at": 5}, "a": 2},
        {"metadata": stamps, "a": 1},
    )
    assert merged == {"metadata": stamps, "a": 2}


def test_metadata_that_only_the_proposal_has_is_dropped() -> None:
    assert merge_three_way({}, {"metadata": {"created_by": "x"}, "a": 1}, {}) == {"a": 1}


def test_keys_are_in_the_order_of_the_current_record_and_new_ones_follow() -> None:
    merged = merge_three_way(
        {"b": 1, "a": 1}, {"z": 1, "a": 2, "y": 1, "b": 1}, {"metadata": {}, "b": 1, "a": 1}
    )
    assert [*merged] == ["metadata", "b", "a", "z", "y"]


@given(plain_records, plain_records)
def test_nothing_changed_meanwhile_gives_the_proposal(base: Record, proposed: Record) -> None:
    assert same_value(merge_three_way(base, proposed, base), proposed)


@given(json_records, json_records)
def test_proposal_that_changes_nothing_gives_the_current_record(base: Record, current: Record) -> None:
    assert same_value(merge_three_way(base, base, current), current)


@given(json_records, plain_records)
def test_same_edit_on_both_sides_gives_that_edit(base: Record, edited: Record) -> None:
    assert same_value(merge_three_way(base, edited, edited), edited)


@given(json_records, json_records, json_records)
def test_no_argument_is_changed(base: Record, proposed: Record, current: Record) -> None:
    before = deepcopy((base, proposed, current))
    merged_or_conflicts(base, proposed, current)
    assert repr((base, proposed, current)) == repr(before)


@given(plain_records, plain_records, plain_records)
def test_exchanged_sides_give_the_same_record_or_the_same_conflicts(
    base: Record, one: Record, other: Record
) -> None:
    there, back = merged_or_conflicts(base, one, other), merged_or_conflicts(base, other, one)
    assert same_value(there, back)


@given(plain_records, plain_records, plain_records)
def test_conflicts_are_fields_that_both_sides_changed(base: Record, one: Record, other: Record) -> None:
    found = merged_or_conflicts(base, one, other)
    if isinstance(found, list):
        for name in {field.split(".")[0] for field in found}:
            assert is_changed(name, base, one)
            assert is_changed(name, base, other)


@given(
    plain_records,
    st.dictionaries(st.sampled_from("abc"), json_values),
    st.dictionaries(st.sampled_from("xyz"), json_values),
)
def test_edits_of_disjoint_fields_always_merge(base: Record, ours: Record, theirs: Record) -> None:
    both = {**base, **theirs, **ours}
    assert same_value(merge_three_way(base, {**base, **ours}, {**base, **theirs}), both)


def merged_or_conflicts(base: Record, proposed: Record, current: Record) -> Record | list[str]:
    try:
        return merge_three_way(base, proposed, current)
    except MergeConflict as conflict:
        return list(conflict.fields)


def is_changed(name: str, before: Record, after: Record) -> bool:
    return (name in before) != (name in after) or not same_value(before.get(name), after.get(name))

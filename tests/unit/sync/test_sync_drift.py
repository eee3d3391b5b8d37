from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.json_values import json_records, json_values
from sync_worker.domain.drift import drift_of, model_names, same_value


def with_members_turned_round(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: with_members_turned_round(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        return [with_members_turned_round(item) for item in value]
    return value


def test_every_kind_of_difference_is_told_with_its_record() -> None:
    drift = drift_of("blip", {"a": {"x": 1}, "b": {"x": 2}, "c": {}}, {"b": {"x": 3}, "c": {}, "d": {"y": 1}})
    assert drift.added == {"a": {"x": 1}}
    assert drift.modified == {"b": {"x": 2}}
    assert drift.removed == {"d": {"y": 1}}
    assert (drift.category, drift.total) == ("blip", 3)


@given(st.dictionaries(st.sampled_from("abc"), json_records))
def test_orders_of_models_and_members_do_not_count(records: dict[str, Any]) -> None:
    assert drift_of("blip", records, with_members_turned_round(records)).total == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (0.0, False, False),
        (False, False, True),
        (None, False, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ([True], [1], False),
        ({"a": [{"b": 0}]}, {"a": [{"b": False}]}, False),
        ({"a": None}, {}, False),
        ({}, [], False),
        ("1", 1, False),
    ],
)
def test_equality_is_that_of_json_values(one: object, other: object, same: bool) -> None:
    assert same_value(one, other) is same
    assert same_value(other, one) is same


@given(json_values)
def test_a_value_equals_itself_but_not_one_with_another_number(value: Any) -> None:
    assert same_value(value, value)
    assert not same_value({"x": value, "y": 1}, {"x": value, "y": 2})


def test_a_text_model_has_three_records_and_one_name() -> None:
    names = ["a/b", "aphrodite/a/b", "koboldcpp/b"]
    assert model_names("text_generation", names) == ["a/b"]
    assert model_names("image_generation", names) == names

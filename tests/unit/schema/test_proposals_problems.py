import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.proposals.json_bounds import MAX_VALUES
from horde_model_reference.proposals.problems import (
    MAX_PROBLEMS,
    BackendPrefixRefused,
    ProposalInvalid,
    echoed,
    record_problems,
    shortened,
)
from horde_model_reference.proposals.v1 import normalised_v1
from horde_model_reference.proposals.v2 import normalised_v2
from horde_model_reference.v2_format import RecordInvalid
from support.proposed_bodies import JUNK

NORMALISERS = [normalised_v1, normalised_v2]


def nested(depth: int) -> Any:
    value: Any = 1
    for index in range(depth):
        value = [value] if index % 2 else {"a": value}
    return value


@pytest.mark.parametrize("normalised", NORMALISERS)
@pytest.mark.parametrize(
    ("body", "kind", "location", "message"),
    [
        (None, "missing", [], "Field required"),
        ([1], "dict_type", [], "object"),
        ("text", "dict_type", [], "object"),
        ({"name": "x", "size_on_disk_bytes": 2**63}, "value_error", ["size_on_disk_bytes"], "out of range"),
        ({"name": "x", "z": [float("nan")]}, "value_error", ["z", 0], "out of range"),
        ({"name": "\ud800"}, "value_error", ["name"], "lone surrogate"),
        ({"name": "x", "\ud800": 1}, "value_error", ["\\ud800"], "lone surrogate"),
        ({"name": "x", "z": nested(101)}, "value_error", ["z", "a", 0], "100 levels"),
        ({"name": "x", "z": nested(5000)}, "value_error", ["z", 0, "a"], "100 levels"),
        ({"name": "x", "z": [0] * MAX_VALUES}, "value_error", [], f"more than {MAX_VALUES} values"),
    ],
)
def test_a_body_that_is_no_usable_object_is_refused(
    normalised: Any, body: Any, kind: str, location: list[str | int], message: str
) -> None:
    with pytest.raises(ProposalInvalid) as refused:
        normalised("blip", body)
    (found,) = refused.value.details
    assert (found["type"], found["loc"]) == (kind, ["body", *location])
    assert message in found["msg"]


def test_nesting_as_deep_as_documents_allow_is_accepted_where_it_is_dropped() -> None:
    assert "z" not in normalised_v2("blip", {"name": "x", "z": nested(99)})


@pytest.mark.parametrize("normalised", NORMALISERS)
def test_what_is_repeated_in_problems_is_bounded(normalised: Any) -> None:
    long = "é" * 100_000
    body = {
        "name": "x",
        "description": {long: long},
        "version": [long],
        "config": {"download": [{"file_name": [long] * 10}] * 400, "embedded_component_hashes": {long: 1}},
    }
    with pytest.raises(ProposalInvalid) as refused:
        normalised("blip", body)
    assert len(refused.value.details) == MAX_PROBLEMS
    assert len(json.dumps(refused.value.details)) < 100_000
    assert len(str(refused.value)) < 5_000


def test_an_unknown_baseline_is_repeated_in_part_only() -> None:
    body = {"name": "x", "nsfw": True, "baseline": "b" * 100_000}
    with pytest.raises(ProposalInvalid, match="Unknown baseline: bbb") as refused:
        normalised_v2("image_generation", body)
    assert len(json.dumps(refused.value.details)) < 10_000


def refusal(normalised: Any, category: str, body: Any) -> ValueError | None:
    try:
        normalised(category, body)
    except (ProposalInvalid, BackendPrefixRefused) as refused:
        return refused
    return None


@given(JUNK, st.sampled_from(list(MODEL_REFERENCE_CATEGORY)), st.sampled_from(NORMALISERS))
def test_any_body_is_accepted_or_refused_with_problems_that_can_be_sent(
    body: Any, category: str, normalised: Any
) -> None:
    for one in (body, {"name": body}, {"name": "x", "config": body}, {"name": "x", "settings": body}):
        refused = refusal(normalised, category, one)
        str(refused).encode()
        if isinstance(refused, ProposalInvalid):
            json.dumps(refused.details, allow_nan=False).encode()
            assert refused.details
            assert all(item["loc"][0] == "body" and item["type"] and item["msg"] for item in refused.details)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 600, "x" * 500 + "..."),
        ("\udfff", "\\udfff"),
        (2**63, "an integer of 64 bits"),
        (True, True),
        (float("inf"), "inf"),
        ({"a": [1, None, "x"]}, {"a": [1, None, "x"]}),
        ([0] * 101, "a list of 101 values"),
        ({"a": "x" * 2001}, "an object of 1 values"),
        ({"a": {"b": "\ud800"}}, "an object of 1 values"),
        ({"a": float("nan")}, "an object of 1 values"),
        ({"\ud800": 1}, "an object of 1 values"),
        (b"x", "a value of type bytes"),
    ],
)
def test_what_was_given_is_repeated_where_it_is_short(value: Any, shown: Any) -> None:
    assert echoed(value) == shown
    json.dumps(echoed(value), allow_nan=False).encode()


def test_a_short_text_is_not_cut() -> None:
    assert shortened("x" * 500) == "x" * 500


@pytest.mark.parametrize(
    ("path", "location", "shown"),
    [
        ("", [], {"a.b": {"c": [5]}, "a": 1}),
        ("a", ["a"], 1),
        ("a.b.c.0", ["a.b", "c", 0], 5),
        ("a.b.c.7.d", ["a.b", "c", 7, "d"], None),
        ("a.x", ["a", "x"], None),
    ],
)
def test_a_path_leads_to_what_was_given(path: str, location: list[str | int], shown: Any) -> None:
    body = {"a.b": {"c": [5]}, "a": 1}
    (found,) = record_problems(RecordInvalid("clip", "x", path, "is wrong"), body)
    assert found == {
        "type": "value_error",
        "loc": ["body", *location],
        "msg": "Value error, is wrong",
        "input": shown,
        "ctx": {"error": {}},
    }

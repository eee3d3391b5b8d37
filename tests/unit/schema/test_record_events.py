import json
from typing import Any

import pytest
from hypothesis import given

from horde_model_reference.documents import Record
from horde_model_reference.record_events import EventInvalid, event_payload, replayed
from horde_model_reference.strict_json import same_json
from support.json_values import json_records


def sorted_fields(record: Record) -> Record:
    return dict(sorted(record.items()))


@given(json_records, json_records)
def test_replay_of_an_update_gives_the_record_after_it(before: Record, after: Record) -> None:
    payload = json.loads(json.dumps(event_payload(before, after)))
    result = replayed(before, "update", payload)
    assert result is not None
    assert same_json(sorted_fields(result), sorted_fields(after))


@given(json_records)
def test_replay_of_a_create_gives_the_record_and_of_a_delete_none(record: Record) -> None:
    assert replayed(None, "create", event_payload(None, record)) == record
    assert replayed(record, "delete", event_payload(record, None)) is None


@given(json_records, json_records)
def test_every_delta_has_both_sides(before: Record, after: Record) -> None:
    for delta in event_payload(before, after)["delta"].values():
        assert {"old", "new"} <= delta.keys() <= {"old", "new", "explicit_null"}


def test_update_carries_only_the_top_level_fields_that_differ() -> None:
    before: Record = {"name": "m", "config": {"a": 1, "b": 2}, "version": "1"}
    after: Record = {"name": "m", "config": {"a": 1, "b": 3}, "version": "1", "description": "new"}
    assert event_payload(before, after) == {
        "delta": {
            "config": {"old": {"a": 1, "b": 2}, "new": {"a": 1, "b": 3}},
            "description": {"old": None, "new": "new"},
        }
    }


def test_field_that_is_null_is_told_from_one_that_is_absent() -> None:
    assert event_payload({"a": None}, {}) == {
        "delta": {"a": {"old": None, "new": None, "explicit_null": "old"}}
    }
    assert event_payload({}, {"a": None}) == {
        "delta": {"a": {"old": None, "new": None, "explicit_null": "new"}}
    }


def test_create_and_delete_carry_the_record() -> None:
    assert event_payload(None, {"a": 1}) == {"after": {"a": 1}}
    assert event_payload({"a": 1}, None) == {"before": {"a": 1}}


def test_event_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing happened"):
        event_payload(None, None)


def test_replay_does_not_change_the_record_before() -> None:
    before = {"a": 1}
    assert replayed(before, "update", {"delta": {"a": {"old": 1, "new": 2}}}) == {"a": 2}
    assert before == {"a": 1}


def test_replay_reads_a_delta_with_one_side_only() -> None:
    assert replayed({"a": 1, "b": 2}, "update", {"delta": {"a": {"old": 1}, "c": {"new": 3}}}) == {
        "b": 2,
        "c": 3,
    }


def test_replay_of_an_update_that_carries_the_whole_record_sets_it() -> None:
    assert replayed({"a": 1}, "update", {"after": {"b": 2}}) == {"b": 2}


@pytest.mark.parametrize(
    ("operation", "payload"),
    [("create", {}), ("create", {"delta": {}}), ("update", {}), ("update", {"delta": {"a": 1}})],
)
def test_replay_of_a_payload_without_its_record_is_refused(operation: Any, payload: Record) -> None:
    with pytest.raises(EventInvalid):
        replayed({"a": 1}, operation, payload)

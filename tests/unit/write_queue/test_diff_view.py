from typing import Any

import pytest

from horde_model_reference.documents import Record
from support.changes import a_change
from write_queue.views.diff_view import Sides, diff_value

LIVE: Record = {
    "name": "m",
    "description": "one",
    "version": "1",
    "pretrained_name": None,
    "metadata": {"schema_version": "2.0.0", "created_at": 1, "updated_at": 2, "updated_by": "7"},
}


def a_proposal(**fields: Any) -> Record:
    stamps = {"schema_version": "2.0.0", "created_at": 1}
    kept = {key: value for key, value in LIVE.items() if value is not None}
    return {**kept, "metadata": stamps, **fields}


def test_what_the_server_stamps_is_no_difference() -> None:
    change = a_change(operation="update", payload=a_proposal())

    value = diff_value(change, Sides(LIVE, LIVE))

    assert (value["net_operation"], value["field_diffs"]) == ("unchanged", [])


def test_what_others_changed_since_is_not_undone() -> None:
    change = a_change(operation="update", payload=a_proposal(description="two"))
    newest = {**LIVE, "version": "2"}

    value = diff_value(change, Sides(newest, LIVE))

    assert value["fields_modified"] == ("description",)
    assert value["proposed_state"]["version"] == "2"


def test_the_same_field_changed_by_both_is_named() -> None:
    change = a_change(operation="update", payload=a_proposal(description="two"))

    value = diff_value(change, Sides({**LIVE, "description": "three"}, LIVE))

    assert value["conflicting_fields"] == ("description",)
    assert value["proposed_state"]["description"] == "two"


def test_a_removal_removes_every_field() -> None:
    value = diff_value(a_change(operation="delete", payload=LIVE), Sides(LIVE, None))

    assert value["net_operation"] == "deleted"
    assert value["proposed_state"] is None
    assert "description" in value["fields_removed"]


@pytest.mark.parametrize(
    ("operation", "current", "net_operation"),
    [
        ("create", None, "added"),
        ("create", LIVE, "modified"),
        ("update", None, "added"),
        ("delete", None, "unchanged"),
    ],
)
def test_the_live_record_decides_what_a_change_comes_to(
    operation: str, current: Record | None, net_operation: str
) -> None:
    change = a_change(operation=operation, payload=a_proposal(description="two"))

    assert diff_value(change, Sides(current, None))["net_operation"] == net_operation

"""What a change would do to the catalogue as it is now (http-write-api.md section 10)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from horde_model_reference.documents import Record
from horde_model_reference.legacy.key_order import without_nulls
from horde_model_reference.record_diff import FieldDiff, diff_records
from horde_model_reference.record_merge import MergeConflict, merge_three_way
from registry.change_record import ChangeRecord


@dataclass(frozen=True, slots=True)
class Sides:
    """The live record, and the one that the proposer looked at; None where there is none."""

    current: Record | None
    base: Record | None


def diff_value(change: ChangeRecord, sides: Sides) -> dict[str, Any]:
    """Return the comparison of the live record with what applying the change would make of it.

    What others changed since it was proposed is not undone by it, so it does not show; where both changed the
    same fields the proposal shows as it is, and the fields are named: applying it is refused. A field that is
    null counts as absent, as in proposals.
    """
    proposed, conflicting = _outcome(change, sides)
    diff = diff_records(
        change.category, without_nulls(sides.current), without_nulls(proposed), operation=change.operation
    )
    return {
        "change_id": change.change_id,
        "category": change.category,
        "model_name": change.model_name,
        "operation": change.operation,
        "current_state": sides.current,
        "proposed_state": proposed,
        "net_operation": diff.net_operation,
        "field_diffs": field_values(diff.field_diffs),
        "is_critical": diff.is_critical,
        "fields_added": diff.fields_added,
        "fields_removed": diff.fields_removed,
        "fields_modified": diff.fields_modified,
        "conflicting_fields": conflicting,
    }


def field_values(diffs: Iterable[FieldDiff]) -> list[dict[str, Any]]:
    """Return field differences as JSON."""
    return [
        {
            "field_path": one.field_path,
            "old_value": one.old_value,
            "new_value": one.new_value,
            "change_type": one.change_type,
        }
        for one in diffs
    ]


def _outcome(change: ChangeRecord, sides: Sides) -> tuple[Record | None, tuple[str, ...]]:
    if change.operation == "delete":
        return None, ()
    if change.operation == "create" or sides.current is None:
        return change.payload, ()
    try:
        return merge_three_way(sides.base or {}, change.payload, sides.current), ()
    except MergeConflict as conflict:
        return change.payload, conflict.fields

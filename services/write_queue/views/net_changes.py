"""What a batch did to the catalogue: the records before and after it, from the revisions themselves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from horde_model_reference.documents import Record
from horde_model_reference.record_diff import RecordDiff, diff_records
from registry.change_record import ChangeRecord
from write_queue.views.diff_view import field_values


@dataclass(frozen=True, slots=True)
class Span:
    """A model that a batch touched: at the revision before the first change of it and after the last."""

    category: str
    model_name: str
    before_revision: int
    after_revision: int


def spans_of(changes: Iterable[ChangeRecord]) -> list[Span]:
    """Return the models that these changes touched, in the order in which they were applied."""
    applied = [change for change in changes if change.applied_revision is not None]
    revisions: dict[tuple[str, str], list[int]] = {}
    for change in sorted(applied, key=lambda one: one.applied_revision or 0):
        key = change.category, change.model_name
        revisions.setdefault(key, []).append(change.applied_revision or 0)
    return [
        Span(category, name, min(touched) - 1, max(touched))
        for (category, name), touched in revisions.items()
    ]


def net_changes_value(states: Sequence[tuple[Span, Record | None, Record | None]]) -> dict[str, Any]:
    """Return the changes of all models, given their records before and after, and their sums."""
    diffs = [(span, before, after, _diff(span.category, before, after)) for span, before, after in states]
    net = [diff.net_operation for *_, diff in diffs]
    return {
        "model_changes": [
            {
                "model_name": span.model_name,
                "category": span.category,
                "net_operation": diff.net_operation,
                "before_state": before,
                "after_state": after,
                "field_diffs": field_values(diff.field_diffs),
                "is_critical": diff.is_critical,
            }
            for span, before, after, diff in diffs
        ],
        "models_added": net.count("added"),
        "models_modified": net.count("modified"),
        "models_deleted": net.count("deleted"),
        "models_unchanged": net.count("unchanged"),
        "total_field_changes": sum(len(diff.field_diffs) for *_, diff in diffs),
        "has_critical_changes": any(diff.is_critical for *_, diff in diffs),
    }


def _diff(category: str, before: Record | None, after: Record | None) -> RecordDiff:
    return diff_records(category, before, after, operation="delete" if after is None else "update")

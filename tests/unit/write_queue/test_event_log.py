from collections.abc import Sequence
from typing import Any

import pytest

from horde_model_reference.documents import Record
from horde_model_reference.record_events import replayed
from registry.change_record import Operation
from support.changes import a_change, a_queue_of, an_event
from write_queue.views.event_log import model_payloads, waiting_at

OLD: Record = {"name": "m", "description": "one"}
NEW: Record = {"name": "m", "description": "two", "version": "2"}


@pytest.mark.parametrize(
    ("operations", "before", "after"),
    [
        (["create"], None, NEW),
        (["update"], OLD, NEW),
        (["delete"], OLD, None),
        (["update", "update"], OLD, NEW),
        (["update", "delete"], OLD, None),
        (["delete", "create"], OLD, NEW),
        (["create", "update", "delete"], None, None),
        (["create", "update"], None, NEW),
        (["update"], None, NEW),
    ],
)
def test_events_of_one_entry_replay_to_what_it_left(
    operations: Sequence[Operation], before: Record | None, after: Record | None
) -> None:
    record = before
    payloads = model_payloads(operations, before, after)

    for operation, payload in zip(operations, payloads, strict=True):
        record = replayed(record, operation, payload)

    assert len(payloads) == len(operations)
    assert record == after


def test_a_single_event_tells_exactly_what_happened() -> None:
    assert model_payloads(["update"], OLD, NEW) == [
        {"delta": {"description": {"old": "one", "new": "two"}, "version": {"old": None, "new": "2"}}}
    ]
    assert model_payloads(["delete"], OLD, None) == [{"before": OLD}]


def test_nothing_on_both_sides_is_no_error() -> None:
    assert model_payloads(["delete"], None, None) == [{}]


def test_changes_wait_from_approval_to_whatever_ends_it() -> None:
    def events(*steps: tuple[int, str]) -> Any:
        return tuple(an_event(event_id, action) for event_id, action in steps)

    queue = a_queue_of(
        [
            a_change(1, events=events((1, "enqueue"), (5, "approve"), (9, "apply"))),
            a_change(2, events=events((2, "enqueue"), (6, "approve"), (8, "unapprove"), (12, "approve"))),
            a_change(3, events=events((3, "enqueue"), (7, "approve"), (10, "purge"))),
            a_change(4, events=events((4, "enqueue"), (11, "reject"))),
        ]
    )

    assert waiting_at(queue, [13, 8, 5, 10]) == {5: (), 8: (1, 2, 3), 10: (3,), 13: (2,)}

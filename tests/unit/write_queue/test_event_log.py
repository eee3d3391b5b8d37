from collections.abc import Sequence

import pytest

from horde_model_reference.documents import Record
from horde_model_reference.record_events import replayed
from registry.change_record import Operation
from write_queue.views.event_log import model_payloads

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

"""Builders for changes and queues, without a journal."""

from collections.abc import Iterable
from typing import Any

from immutables import Map

from registry.change_record import ChangeEvent, ChangeRecord, Stamp
from registry.queue_state import BatchRecord, QueueState


def a_stamp(user_id: str = "202", at: int = 200) -> Stamp:
    return Stamp(by=user_id, username=f"user#{user_id}", at=at)


def a_change(change_id: int = 1, **fields: Any) -> ChangeRecord:
    name = fields.get("model_name", f"model {change_id}")
    given = {
        "category": "clip",
        "model_name": name,
        "operation": "create",
        "form": "v2",
        "payload": {"name": name},
        "base_revision": 1,
        "requested": a_stamp("101", 100),
        "updated_at": 100,
        "events": (an_event(change_id, "enqueue"),),
        **fields,
    }
    return ChangeRecord.model_validate({"change_id": change_id, **given})


def an_event(event_id: int, action: str, **payload: Any) -> ChangeEvent:
    return ChangeEvent(
        event_id=event_id,
        timestamp=100 + event_id,
        action=action,
        logical_user_id="101",
        payload={"action": action, **payload},
    )


def a_queue_of(
    changes: Iterable[ChangeRecord], *, open_batch_id: int | None = None, batches: Iterable[BatchRecord] = ()
) -> QueueState:
    by_id = {change.change_id: change for change in changes}
    by_name: dict[str, tuple[int, ...]] = {}
    for change in by_id.values():
        if change.is_open:
            by_name[change.key] = (*by_name.get(change.key, ()), change.change_id)
    numbered = {batch.batch_id: batch for batch in batches}
    return QueueState(
        changes=Map(by_id),
        next_change_id=max(by_id, default=0) + 1,
        open_batch_id=open_batch_id,
        last_batch_id=max([*numbered, open_batch_id or 0]),
        open_by_name=Map(by_name),
        batches=Map(numbered),
    )

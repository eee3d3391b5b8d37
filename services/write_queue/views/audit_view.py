"""The audit: what happened to changes and batches (http-write-api.md section 13.3)."""

from collections.abc import Sequence
from typing import Any

from registry.change_record import ChangeRecord, Stamp
from registry.queue_state import BatchRecord, QueueState


def pending_value(queue: QueueState) -> list[dict[str, Any]]:
    """Return what waits for a decision, newest first."""
    waiting = [change for change in queue.visible() if change.status == "pending"]
    return [audited_change(queue, change) for change in reversed(waiting)]


def batches_page(
    queue: QueueState, *, limit: int, cursor: int | None
) -> tuple[list[dict[str, Any]], int | None]:
    """Return at most `limit` batches below the cursor, newest first, and the cursor of the next page."""
    first = queue.last_batch_id if cursor is None else min(cursor - 1, queue.last_batch_id)
    shown: list[dict[str, Any]] = []
    for batch_id in range(first, 0, -1):
        batch = find_batch(queue, batch_id)
        if batch is None:
            continue
        if len(shown) == limit:
            return shown, shown[-1]["batch_id"]
        shown.append(batch_summary(queue, batch))
    return shown, None


def find_batch(queue: QueueState, batch_id: int) -> BatchRecord | None:
    """Return a batch, unless it does not exist or all of its changes left it."""
    batch = queue.batches.get(batch_id)
    return batch if batch is not None and batch.change_ids else None


def batch_summary(queue: QueueState, batch: BatchRecord) -> dict[str, Any]:
    """Return a batch in numbers. Changes that were hidden since still count: they happened."""
    changes = batch_changes(queue, batch)
    approved = [change for change in changes if change.approved is not None]
    rejected = [change for change in changes if change.rejected is not None]
    applied = [change.applied.at for change in changes if change.applied is not None]
    first = min(approved, key=_approved_at, default=None)
    titled = first or changes[0]
    return {
        "batch_id": batch.batch_id,
        "batch_title": titled.batch_title,
        "approved_by": first.approved.by if first and first.approved else None,
        "approved_at": first.approved.at if first and first.approved else None,
        "applied_at": max(applied, default=None),
        "approved_change_count": len(approved),
        "rejected_change_count": len(rejected),
        "applied_change_count": len(applied),
        "total_change_count": len(approved) + len(rejected),
        "last_event_id": max(change.events[-1].event_id for change in changes),
    }


def batch_changes(queue: QueueState, batch: BatchRecord) -> Sequence[ChangeRecord]:
    """Return the changes of a batch, also hidden ones, by ascending id."""
    return [queue.changes[change_id] for change_id in sorted(batch.change_ids)]


def audited_change(queue: QueueState, change: ChangeRecord) -> dict[str, Any]:
    """Return a change with its events."""
    return {
        "change_id": change.change_id,
        "status": change.status,
        "operation": change.operation,
        "category": change.category,
        "model_name": change.model_name,
        "requested_by": change.requested.by,
        "requested_at": change.requested.at,
        **_stamp("approved", change.approved),
        **_stamp("rejected", change.rejected),
        "reject_reason": change.reject_reason,
        **_stamp("applied", change.applied),
        "applied_job_id": change.applied_job_id,
        "batch_id": queue.batch_id_of(change),
        "batch_title": change.batch_title,
        "events": [
            {
                "event_id": event.event_id,
                "timestamp": event.timestamp,
                "action": event.action,
                "logical_user_id": event.logical_user_id,
                "payload": event.payload,
            }
            for event in change.events
        ],
    }


def _stamp(what: str, stamp: Stamp | None) -> dict[str, Any]:
    return {f"{what}_by": stamp.by if stamp else None, f"{what}_at": stamp.at if stamp else None}


def _approved_at(change: ChangeRecord) -> tuple[int, int]:
    return (change.approved.at if change.approved else 0), change.change_id

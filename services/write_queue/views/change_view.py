"""A change as the API shows it (http-write-api.md section 6)."""

from typing import Any

from registry.change_record import ChangeRecord, Stamp
from registry.queue_state import QueueState


def change_value(queue: QueueState, change: ChangeRecord, *, nulls: bool = True) -> dict[str, Any]:
    """Return the change record as JSON. Fields that are unset are null, or absent without `nulls`."""
    value: dict[str, Any] = {
        "change_id": change.change_id,
        "category": change.category,
        "model_name": change.model_name,
        "operation": change.operation,
        "payload": change.payload,
        "payload_version": change.payload_version,
        "requested_by": change.requested.by,
        "requested_username": change.requested.username,
        "requested_at": change.requested.at,
        "status": change.status,
        "notes": change.notes,
        "reason": change.reason,
        "base_revision": change.base_revision,
        "batch_id": queue.batch_id_of(change),
        "batch_title": change.batch_title,
        **_stamp("approved", change.approved),
        **_stamp("rejected", change.rejected),
        "reject_reason": change.reject_reason,
        **_stamp("applied", change.applied),
        "applied_job_id": change.applied_job_id,
        "applied_revision": change.applied_revision,
        "updated_at": change.updated_at,
        "request_metadata": change.request_metadata,
        "related_models": change.related_models,
        "comments": [
            {"by": one.stamp.by, "username": one.stamp.username, "at": one.stamp.at, "text": one.text}
            for one in change.comments
        ],
    }
    return value if nulls else {name: one for name, one in value.items() if one is not None}


def _stamp(what: str, stamp: Stamp | None) -> dict[str, Any]:
    if stamp is None:
        return {f"{what}_by": None, f"{what}_username": None, f"{what}_at": None}
    return {f"{what}_by": stamp.by, f"{what}_username": stamp.username, f"{what}_at": stamp.at}

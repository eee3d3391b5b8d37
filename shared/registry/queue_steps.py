"""What the entries about changes do to the queue (http-write-api.md sections 6 to 9)."""

from collections.abc import Iterable
from typing import Any

from registry.bodies import (
    Applied,
    Commented,
    Decided,
    Edited,
    Hidden,
    Proposed,
    ProposedChange,
    Unapproved,
    Withdrawn,
)
from registry.change_record import ChangeRecord, Comment, Stamp
from registry.entries import Entry
from registry.history_state import Touched
from registry.queue_editor import QueueEditor
from registry.state import State


def fold_proposed(state: State, entry: Entry, body: Proposed) -> State:
    """Add the changes, with the next ids. What they are based on has to exist."""
    editor = QueueEditor(state, entry)
    for proposed in body.changes:
        editor.expect_revision(proposed.base_revision)
        editor.add(_new_record(proposed, editor.queue.next_change_id, editor.stamp))
    return editor.state()


def fold_edited(state: State, entry: Entry, body: Edited) -> State:
    """Replace the payload."""
    editor = QueueEditor(state, entry)
    change = editor.expect(body.change_id, "pending")
    editor.expect_revision(body.base_revision)
    update: dict[str, Any] = {"payload": body.payload, "base_revision": body.base_revision}
    if body.reason is not None:
        update["reason"] = body.reason
    editor.put(change, update, "edit", {"category": change.category, "model": change.model_name})
    return editor.state()


def fold_commented(state: State, entry: Entry, body: Commented) -> State:
    """Add the comment; it is no transition."""
    editor = QueueEditor(state, entry)
    change = editor.expect(body.change_id)
    comments = (*change.comments, Comment(stamp=editor.stamp, text=body.text))
    editor.put(
        change, {"comments": comments, "updated_at": change.updated_at}, "comment", {"text": body.text}
    )
    return editor.state()


def fold_withdrawn(state: State, entry: Entry, body: Withdrawn) -> State:
    """Close the change."""
    editor = QueueEditor(state, entry)
    change = editor.expect(body.change_id, "pending")
    payload = {} if body.reason is None else {"reason": body.reason}
    editor.put(change, {"status": "withdrawn"}, "withdraw", payload)
    return editor.state()


def fold_decided(state: State, entry: Entry, body: Decided) -> State:
    """Move the approved changes into the open batch, which is opened if need be, and close the rejected."""
    editor = QueueEditor(state, entry)
    batch_id = editor.open_batch() if body.approved_ids else None
    title = {"batch_title": body.batch_title}
    for change_id in body.approved_ids:
        change = editor.expect(change_id, "pending")
        update = {"status": "approved", "approved": editor.stamp, **title}
        editor.put(change, update, "approve", {"batch_id": batch_id, **title})
    for change_id in body.rejected_ids:
        change = editor.expect(change_id, "pending")
        update = {
            "status": "rejected",
            "rejected": editor.stamp,
            "reject_reason": body.reject_reason,
            "batch_id": batch_id,
            **title,
        }
        batch = {} if batch_id is None else {"batch_id": batch_id}
        editor.put(change, update, "reject", {**batch, **title, "reason": body.reject_reason})
    if batch_id is not None:
        editor.join_batch(batch_id, (*body.approved_ids, *body.rejected_ids))
        editor.change_approved(added=body.approved_ids)
    return editor.state()


def fold_unapproved(state: State, entry: Entry, body: Unapproved) -> State:
    """Take the change out of the open batch."""
    editor = QueueEditor(state, entry)
    change = editor.expect(body.change_id, "approved")
    batch_id = editor.queue.open_batch_id
    update = {"status": "pending", "approved": None, "batch_title": None}
    reason = {} if body.reason is None else {"reason": body.reason}
    editor.put(change, update, "unapprove", {"batch_id": batch_id, **reason})
    editor.leave_batch((change.change_id,))
    editor.change_approved(removed=(change.change_id,))
    return editor.state()


def fold_applied(state: State, entry: Entry, body: Applied) -> State:
    """Close the changes; what is left of their batch moves into a new one (section 8)."""
    editor = QueueEditor(state, entry)
    batch_id = editor.queue.open_batch_id
    for applied in body.changes:
        change = editor.expect(applied.change_id, "approved")
        if applied.touched != _touched_by(change):
            raise editor.misfit(change.change_id)
        editor.take_event_id()  # the event of the model, which the catalogue tells
        update = {
            "status": "applied",
            "applied": editor.stamp,
            "applied_job_id": applied.job_id,
            "applied_revision": state.revision + 1,
            "applied_sequence": entry.sequence,
            "batch_id": batch_id,
        }
        editor.put(change, update, "apply", {"batch_id": batch_id, "job_id": applied.job_id})
    editor.change_approved(removed=tuple(applied.change_id for applied in body.changes))
    editor.split_batch()
    return editor.state()


def fold_hidden(state: State, entry: Entry, body: Hidden) -> State:
    """Hide the changes; open ones can never be applied any more."""
    editor = QueueEditor(state, entry)
    batch_id = editor.queue.open_batch_id
    for change_id in body.change_ids:
        change = editor.expect(change_id)
        update: dict[str, Any] = {"hidden": True}
        if change.status == "approved":
            update["batch_id"] = batch_id
        payload = {
            "category": change.category,
            "model": change.model_name,
            "requested_by": change.requested.by,
            "purged_by_username": editor.stamp.username,
        }
        editor.put(change, update, "purge", payload)
    editor.change_approved(removed=body.change_ids)
    return editor.state()


def count_events(state: State, items: Iterable[object]) -> State:
    """Take one audit event id for each item."""
    return state.model_copy(update={"next_event_id": state.next_event_id + sum(1 for _ in items)})


def _touched_by(change: ChangeRecord) -> Touched:
    return Touched(category=change.category, model_name=change.model_name, operation=change.operation)


def _new_record(proposed: ProposedChange, change_id: int, stamp: Stamp) -> ChangeRecord:
    return ChangeRecord(
        change_id=change_id,
        category=proposed.category,
        model_name=proposed.model_name,
        operation=proposed.operation,
        form=proposed.form,
        payload=proposed.payload,
        base_revision=proposed.base_revision,
        requested=stamp,
        updated_at=stamp.at,
        reason=proposed.reason,
        notes=proposed.notes,
        request_metadata=proposed.request_metadata,
        related_models=proposed.related_models,
    )

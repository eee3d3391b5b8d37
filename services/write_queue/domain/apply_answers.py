"""What an apply is answered with, and what of that is kept with its entry (http-write-api.md section 9).

Everybody can read an entry that makes a revision. What people said about a change is for users with a key,
and only until the change is hidden. So the entry keeps the numbers of the changes, and their records are made
again from the queue: what was applied never changes any more, it can only be commented on.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from registry.change_record import ChangeRecord
from registry.queue_state import QueueState
from write_queue.views.change_view import change_value

Shape = Literal["record", "applied"]
"""The member that shows what was applied: the record of the one change, or those of all."""


def kept_answer(
    change_ids: Sequence[int], shape: Shape, before: QueueState, after: QueueState
) -> dict[str, Any]:
    """Return what is stored of the answer: the numbers of the changes, and what became of their batch."""
    named = change_ids[0] if shape == "record" else list(change_ids)
    if after.open_batch_id is None:
        return {shape: named, "batch_split_occurred": False}
    return {
        shape: named,
        "batch_split_occurred": True,
        "batch_split_original_batch_id": before.open_batch_id,
        "batch_split_new_batch_id": after.open_batch_id,
        "batch_split_reassigned_count": len(after.approved_ids),
    }


def told(kept: Mapping[str, Any], queue: QueueState, shape: Shape | None = None) -> dict[str, Any]:
    """Return the answer that this was kept of, in its own shape or another one."""
    rest = dict(kept)
    own: Shape = "record" if "record" in rest else "applied"
    named = rest.pop(own)
    change_ids = [named] if own == "record" else named
    records = [_as_applied(queue, queue.changes[change_id]) for change_id in change_ids]
    shape = shape or own
    return {shape: records[0] if shape == "record" else records, **rest}


def _as_applied(queue: QueueState, change: ChangeRecord) -> dict[str, Any]:
    """Return the record as it was right after it was applied."""
    actions = [event.action for event in change.events]
    comments = actions[: actions.index("apply")].count("comment")
    applied_at = change.updated_at if change.applied is None else change.applied.at
    then = {"comments": change.comments[:comments], "updated_at": applied_at}
    return change_value(queue, change.model_copy(update=then), nulls=False)

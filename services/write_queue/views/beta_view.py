"""Records as they would be if everything proposed were applied (http-write-api.md section 11)."""

from collections.abc import Callable
from typing import Any

from horde_model_reference.documents import Record
from registry.change_record import ChangeRecord, Form
from registry.queue_state import QueueState

V2View = Callable[[str, Form, str, Record], Record | None]
"""Turns category, form, name and payload into a v2 record; None where that is impossible."""


def beta_records(queue: QueueState, category: str, v2_view: V2View) -> dict[str, Any]:
    """Return the v2 records of open creates and updates by name.

    Of several changes of one name the one that was touched last counts, of equally old ones that with the
    larger id. A payload that has no v2 form is left out and hides no other one.
    """
    latest: dict[str, ChangeRecord] = {}
    prefix = f"{category}/"
    for key in queue.open_by_name:
        if key.startswith(prefix):
            open_changes = [one for one in queue.open_changes(key) if one.operation != "delete"]
            if open_changes:
                change = max(open_changes, key=lambda one: (one.updated_at, one.change_id))
                latest[change.model_name] = change
    views = {
        name: v2_view(category, change.form, name, change.payload) for name, change in sorted(latest.items())
    }
    return {name: record for name, record in views.items() if record is not None}

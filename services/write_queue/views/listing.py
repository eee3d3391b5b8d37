"""Pages of changes (http-write-api.md section 7)."""

from typing import Any

from registry.queue_state import QueueState
from write_queue.domain.selection import ChangeFilter, chosen_changes
from write_queue.views.change_view import change_value


def changes_page(queue: QueueState, chosen: ChangeFilter, *, offset: int, limit: int) -> dict[str, Any]:
    """Return the chosen changes by ascending id, at most `limit` of them from the one at `offset`."""
    matching = chosen_changes(queue, chosen)
    return {
        "items": [change_value(queue, change) for change in matching[offset : offset + limit]],
        "total": len(matching),
        "offset": offset,
        "limit": limit,
    }

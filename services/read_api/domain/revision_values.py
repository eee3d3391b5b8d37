"""Revisions as they are told to clients."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from registry.catalogue import CatalogueRef
from registry.change_record import ChangeRecord, Stamp
from registry.history_state import RevisionLine, Touched
from registry.queue_state import QueueState

MAX_TOUCHED: Final = 1000  # named with one revision; the difference to the one before it has them all
MAX_CHANGES: Final = 1000  # named with one revision
MAX_LISTED_CHANGES: Final = 50  # named with each revision of a list: a batch may have ten thousand
OPERATIONS: Final[Mapping[str, str]] = {"create": "created", "update": "updated", "delete": "deleted"}


def line_value(
    line: RevisionLine, queue: QueueState, *, max_changes: int = MAX_LISTED_CHANGES
) -> dict[str, Any]:
    """Return a revision in a list: when, who, by which changes, and how many models it touched."""
    return {
        "revision": line.revision,
        "sequence": line.sequence,
        "committed_at": line.occurred_at.isoformat(),
        "kind": line.kind,
        "actor": line.actor,
        "username": line.username,
        "rolled_back_to": line.rolled_back_to,
        "changes": list(change_values(line.change_ids[:max_changes], queue)),
        "changes_total": len(line.change_ids),
        "categories": category_counts(line.touched),
    }


def revision_value(line: RevisionLine, queue: QueueState, ref: CatalogueRef) -> dict[str, Any]:
    """Return one revision with what it touched, up to a number, and the hashes of its documents."""
    return {
        **line_value(line, queue, max_changes=MAX_CHANGES),
        "touched": [touched_value(one) for one in line.touched[:MAX_TOUCHED]],
        "touched_total": len(line.touched),
        "hashes": {name: blobs.model_dump() for name, blobs in ref.categories.items()},
        "side_data_hash": ref.side_data,
    }


def category_counts(touched: Iterable[Touched]) -> dict[str, dict[str, int]]:
    """Return how many models were created, updated and deleted in each category that was touched."""
    counts: dict[str, Counter[str]] = {}
    for one in touched:
        counts.setdefault(one.category, Counter())[OPERATIONS[one.operation]] += 1
    return {name: {word: count[word] for word in OPERATIONS.values()} for name, count in counts.items()}


def touched_value(touched: Touched) -> dict[str, Any]:
    """Return a model that a revision made, changed or removed."""
    return {
        "category": touched.category,
        "model_name": touched.model_name,
        "operation": touched.operation,
    }


def change_values(change_ids: Iterable[int], queue: QueueState) -> Iterator[dict[str, Any]]:
    """Yield the changes that came in with a revision; of one that was hidden since, its number only."""
    for change_id in change_ids:
        change = queue.find(change_id)
        yield {"change_id": change_id} if change is None else _change_value(change, queue)


def _change_value(change: ChangeRecord, queue: QueueState) -> dict[str, Any]:
    return {
        "change_id": change.change_id,
        "category": change.category,
        "model_name": change.model_name,
        "operation": change.operation,
        "batch_id": queue.batch_id_of(change),
        "batch_title": change.batch_title,
        "proposed": _stamp_value(change.requested),
        "approved": _stamp_value(change.approved),
    }


def _stamp_value(stamp: Stamp | None) -> dict[str, Any] | None:
    if stamp is None:
        return None
    return {"user_id": stamp.by, "username": stamp.username, "at": stamp.at}

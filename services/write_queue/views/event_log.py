"""The audit events that a journal entry stands for (http-write-api.md section 13.1)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.record_events import event_payload
from registry import bodies
from registry.change_record import ChangeEvent, Operation
from registry.entries import Entry
from registry.history_state import Touched
from registry.queue_state import QueueState

QUEUE: Final = "pending_queue"
"""What events of the queue name as their category."""

SEEDING: Final = "seeding"
"""What the event of a category that came from GitHub names as its category; the category is its model."""

SPLIT: Final = "queue"
"""What the event of a split batch names as its model."""

Payload = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event. One that touches a record has no payload yet: that takes the record before and after it.

    `of_model` counts the events of the same record within the entry, from 0.
    """

    event_id: int
    category: str
    model_name: str
    operation: Operation
    payload: Payload | None
    request_id: str | None = None
    of_model: int = 0

    @property
    def key(self) -> Key:
        """Which record it is about."""
        return self.category, self.model_name


def planned_events(queue: QueueState, entry: Entry, ids: range) -> list[PlannedEvent]:
    """Return the events of an entry; `ids` are the event ids that the fold gave it."""
    match entry.body:
        case bodies.Seeded() | bodies.RolledBack() as body:
            return _revision_events(body, ids)
        case bodies.GroupDataChanged() as body:
            return [_group_event(body, ids[0])]
        case bodies.Applied() as body:
            return _applied_events(queue, body, ids)
        case bodies.Proposed() as body:
            change_ids: Iterable[int] = _proposed_ids(queue, ids, len(body.changes))
        case bodies.Decided() as body:
            change_ids = (*body.approved_ids, *body.rejected_ids)
        case bodies.Hidden() as body:
            change_ids = body.change_ids
        case bodies.Edited() | bodies.Commented() | bodies.Withdrawn() | bodies.Unapproved() as body:
            change_ids = (body.change_id,)
        case _:
            return []
    return [_queue_event(change_id, event) for change_id, event in _events_of(queue, change_ids, ids)]


def model_payloads(
    operations: Sequence[Operation], before: Record | None, after: Record | None
) -> list[Payload]:
    """Return the payloads of the events of one record within one entry, given it before and after the entry.

    What several changes of an entry did to one record each for itself is not kept: the first carries
    everything that the record finally is.
    """
    payloads: list[Payload] = []
    known = before
    for place, operation in enumerate(operations):
        is_last = place == len(operations) - 1
        if is_last:
            state = after
        elif operation == "delete":
            state = None
        else:
            state = after if after is not None else known or {}
        payloads.append({} if known is None and state is None else event_payload(known, state))
        known = state
    return payloads


def _model_events(
    touched: Iterable[tuple[int, Touched]], request_ids: Sequence[str] | None = None
) -> Iterator[PlannedEvent]:
    seen: dict[Key, int] = {}
    for place, (event_id, one) in enumerate(touched):
        key = one.category, one.model_name
        yield PlannedEvent(
            event_id,
            one.category,
            one.model_name,
            one.operation,
            payload=None,
            request_id=request_ids[place] if request_ids else None,
            of_model=seen.get(key, 0),
        )
        seen[key] = seen.get(key, 0) + 1


def _revision_events(body: bodies.Seeded | bodies.RolledBack, ids: range) -> list[PlannedEvent]:
    count = len(body.touched)
    events = list(_model_events(zip(ids[:count], body.touched, strict=True)))
    if isinstance(body, bodies.Seeded):
        for event_id, category in zip(ids[count:], body.fetched, strict=True):
            payload = {"after": body.categories[category].model_dump(exclude_none=True)}
            events.append(PlannedEvent(event_id, SEEDING, category, "update", payload))
    return events


def _applied_events(queue: QueueState, body: bodies.Applied, ids: range) -> list[PlannedEvent]:
    count = len(body.changes)
    touched = zip(ids[0 : 2 * count : 2], (one.touched for one in body.changes), strict=True)
    models = _model_events(touched, [one.job_id for one in body.changes])
    applied = [
        _queue_event(change_id, event)
        for change_id, event in _events_of(queue, (one.change_id for one in body.changes), ids)
    ]
    events = [event for pair in zip(models, applied, strict=True) for event in pair]
    if len(ids) > 2 * count:
        events.append(_split_event(queue, body, ids[-1]))
    return events


def _split_event(queue: QueueState, body: bodies.Applied, event_id: int) -> PlannedEvent:
    original = queue.changes[body.changes[0].change_id].batch_id or 0
    new = original + 1  # the open batch is always the last one that was numbered
    payload = {
        "original_batch_id": original,
        "new_batch_id": new,
        "reassigned_change_ids": list(queue.batches[new].moved_ids),
        "reason": "partial_apply",
        "action": "batch_split",
    }
    return PlannedEvent(event_id, QUEUE, SPLIT, "update", {"after": payload})


def _group_event(body: bodies.GroupDataChanged, event_id: int) -> PlannedEvent:
    before, after = body.before, body.after
    if before is None:
        operation: Operation = "create"
        payload: Payload = {"after": {body.store: after}}
    elif after is None:
        operation, payload = "delete", {"before": {body.store: before}}
    else:
        operation, payload = "update", {"delta": {body.store: {"old": before, "new": after}}}
    return PlannedEvent(event_id, body.store, body.name, operation, payload)


def _queue_event(change_id: int, event: ChangeEvent) -> PlannedEvent:
    return PlannedEvent(event.event_id, QUEUE, str(change_id), "update", {"after": event.payload})


def _events_of(queue: QueueState, change_ids: Iterable[int], ids: range) -> Iterator[tuple[int, ChangeEvent]]:
    for change_id in change_ids:
        for event in queue.changes[change_id].events:
            if event.event_id in ids:
                yield change_id, event


def _proposed_ids(queue: QueueState, ids: range, count: int) -> range:
    """Find the changes whose first events these are: both kinds of ids grow together."""
    low, high = 1, queue.next_change_id - 1
    while low < high:
        middle = (low + high) // 2
        if queue.changes[middle].events[0].event_id < ids[0]:
            low = middle + 1
        else:
            high = middle
    return range(low, low + count)

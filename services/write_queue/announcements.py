"""Tells the other services what was appended to the journal (architecture section 3)."""

from collections.abc import Iterator
from typing import Any

from horde_model_reference.events import CatalogCommitted, ChangeApplied, ChangeDecided, ChangeProposed, Event
from registry.bodies import Applied, Decided, Proposed
from service_kit.event_bus import EventBus
from write_queue.domain.service import Appended


class Announcements:
    """Publishes the events of every entry, once it is there. Losing one costs only time."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    def __call__(self, appended: Appended) -> None:
        """Publish what there is to tell."""
        for event in events_of(appended):
            self._bus.publish(event.routing_key, event.render())


def events_of(appended: Appended) -> Iterator[Event]:
    """Yield the events of an entry."""
    after, step = appended.after, appended.step
    common: dict[str, Any] = {
        "occurred_at": appended.occurred_at,
        "sequence": after.sequence,
        "revision": after.revision,
    }
    if step.catalogue is not None:
        yield CatalogCommitted(**common, kind=step.kind)
    user_id = appended.user.user_id
    match step.body:
        case Proposed(changes=changes):
            end = after.queue.next_change_id
            yield ChangeProposed(**common, change_ids=tuple(range(end - len(changes), end)), user_id=user_id)
        case Decided(approved_ids=approved, rejected_ids=rejected):
            yield ChangeDecided(**common, approved_ids=approved, rejected_ids=rejected, user_id=user_id)
        case Applied(changes=applied):
            ids = tuple(change.change_id for change in applied)
            yield ChangeApplied(**common, change_ids=ids, user_id=user_id, job_id=applied[0].job_id)
        case _:
            pass

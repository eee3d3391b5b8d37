"""Tells the other services what was appended to the journal (architecture section 3)."""

from typing import Any, Final

from horde_model_reference.events import (
    CatalogCommitted,
    ChangeApplied,
    ChangeDecided,
    ChangeProposed,
    Event,
)
from registry import bodies
from service_kit.event_bus import EventBus
from write_queue.domain.service import Appended

WATCHED: Final = ("catalog.committed", "change.*")
"""What tells an instance that others were at work."""


class Announcer:
    """Publishes the events of an entry, after it was written. One that gets lost does no harm."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    def __call__(self, appended: Appended) -> None:
        """Publish; nothing is raised whatever the state of the broker."""
        for event in events_of(appended):
            self._bus.publish(event.routing_key, event.render())


def events_of(appended: Appended) -> list[Event]:
    """Return the events of an entry: what happened in the queue, and that there is a new revision."""
    after, step = appended.after, appended.step
    head = {
        "occurred_at": appended.occurred_at,
        "sequence": after.sequence,
        "revision": after.revision,
    }
    events: list[Event] = []
    if (change := _change_event(appended, head)) is not None:
        events.append(change)
    if step.catalogue is not None:
        events.append(CatalogCommitted(kind=step.kind, **head))
    return events


def _change_event(appended: Appended, head: dict[str, Any]) -> Event | None:
    user_id = appended.user.user_id
    match appended.step.body:
        case bodies.Proposed(changes=changes):
            following = appended.after.queue.next_change_id
            ids = tuple(range(following - len(changes), following))
            return ChangeProposed(change_ids=ids, user_id=user_id, **head)
        case bodies.Decided() as body:
            return ChangeDecided(
                approved_ids=body.approved_ids, rejected_ids=body.rejected_ids, user_id=user_id, **head
            )
        case bodies.Applied(changes=changes):
            return ChangeApplied(
                change_ids=tuple(one.change_id for one in changes),
                user_id=user_id,
                job_id=changes[0].job_id,
                **head,
            )
        case _:
            return None

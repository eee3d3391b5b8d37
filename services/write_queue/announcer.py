"""Tells the other services, and the log, what was appended to the journal (architecture section 3)."""

import logging
from collections.abc import Callable, Sequence
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
from service_kit.log_context import origin_request_id
from write_queue.domain.service import Appended

WATCHED: Final = ("catalog.committed", "change.*")
"""What tells an instance that others were at work."""

OnEvents = Callable[[Sequence[Event]], None]

log = logging.getLogger(__name__)


class Announcer:
    """Publishes the events of an entry, after it was written. One that gets lost does no harm.

    `on_events` is told them too, and must not raise.
    """

    def __init__(self, bus: EventBus, on_events: OnEvents = lambda _: None) -> None:
        self._bus = bus
        self._on_events = on_events

    def __call__(self, appended: Appended) -> None:
        """Publish; nothing is raised whatever the state of the broker."""
        events = events_of(appended)
        for event in events:
            self._bus.publish(event.routing_key, event.render())
            log.info(event.routing_key, extra={"fields": _told(event)})
        self._on_events(events)


def events_of(appended: Appended) -> list[Event]:
    """Return the events of an entry: what happened in the queue, and that there is a new revision."""
    after, step = appended.after, appended.step
    head = {
        "occurred_at": appended.occurred_at,
        "sequence": after.sequence,
        "revision": after.revision,
        "request_id": origin_request_id(),
    }
    events: list[Event] = []
    if (change := _change_event(appended, head)) is not None:
        events.append(change)
    if step.catalogue is not None:
        applied = change.change_ids if isinstance(change, ChangeApplied) else ()
        events.append(CatalogCommitted(kind=step.kind, change_ids=applied, **head))
    return events


def _told(event: Event) -> dict[str, Any]:
    """Return what the log says of an event; what is empty or stands in every line is left out."""
    members = event.model_dump(mode="json", exclude={"schema_version", "occurred_at", "request_id"})
    return {name: value for name, value in members.items() if value not in ([], None)}


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

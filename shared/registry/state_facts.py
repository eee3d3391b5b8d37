"""What a report says of the journal that an instance has."""

from collections import Counter
from collections.abc import Mapping

from registry.seeding import never_written
from registry.state import State
from service_kit.instance_reports import Position


def position_of(state: State | None) -> Position:
    """Return how far an instance is that has this state."""
    return Position() if state is None else Position(state.sequence, state.revision)


def queue_facts(state: State | None) -> Mapping[str, object]:
    """Return how many changes wait; nothing before the journal was read."""
    if state is None:
        return {}
    queue = state.queue
    waiting = (queue.changes[change_id] for ids in queue.open_by_name.values() for change_id in ids)
    counts = Counter(change.status for change in waiting if change.is_open)
    return {"queue": {"pending": counts["pending"], "approved": counts["approved"]}}


def seeding_facts(state: State | None) -> Mapping[str, object]:
    """Return which categories could be seeded and never were."""
    return {} if state is None or state.catalogue is None else {"unseeded": never_written(state)}

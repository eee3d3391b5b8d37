"""Metrics of the queue: what waits in it, and what this instance did to it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from horde_model_reference.events import ChangeApplied, ChangeDecided, ChangeProposed, Event
from registry.change_record import OPEN
from registry.queue_state import QueueState
from registry.state import State
from service_kit.telemetry import Telemetry

STEPS: Final = ("proposed", "approved", "rejected", "applied")


class QueueMetrics(Collector):
    """The queue in the newest state that the instance has seen, read when asked for.

    `find_state` returns that state without looking for a newer one; None before the first.
    """

    def __init__(self, find_state: Callable[[], State | None]) -> None:
        self._find_state = find_state
        self._depths: tuple[QueueState, list[Metric]] | None = None

    def describe(self) -> list[Metric]:
        """Name nothing in advance: before the journal was read there is nothing to say."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of the state."""
        state = self._find_state()
        if state is None:
            return
        yield GaugeMetricFamily("queue_revision", "The newest revision that was seen.", state.revision)
        yield GaugeMetricFamily(
            "queue_journal_sequence", "The newest journal entry that was seen.", state.sequence
        )
        if self._depths is None or self._depths[0] is not state.queue:  # a queue may be long, and stand still
            self._depths = state.queue, list(_depths(state.queue))
        yield from self._depths[1]


def _depths(queue: QueueState) -> Iterator[Metric]:
    depth = GaugeMetricFamily("queue_depth", "Changes that wait, to be decided or applied.", labels=["state"])
    oldest = GaugeMetricFamily(
        "queue_oldest_change_timestamp_seconds",
        "When the change was proposed that waits longest; none when nothing waits.",
        labels=["state"],
    )
    waiting = [queue.changes[change_id] for ids in queue.open_by_name.values() for change_id in ids]
    for status in sorted(OPEN):
        since = [change.requested.at for change in waiting if change.is_open and change.status == status]
        depth.add_metric([status], len(since))
        if since:
            oldest.add_metric([status], min(since))
    yield from (depth, oldest)


class StepMetrics:
    """Counts what happened to changes through this instance."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._changes = Counter(
            "queue_changes_total",
            "Changes that this instance put into the queue, decided or applied.",
            ["step"],
            registry=telemetry.registry,
        )
        for step in STEPS:  # so that rates see the first one
            self._changes.labels(step)

    def note(self, events: Iterable[Event]) -> None:
        """Count the changes of which the events tell."""
        for event in events:
            match event:
                case ChangeProposed():
                    self._changes.labels("proposed").inc(len(event.change_ids))
                case ChangeDecided():
                    self._changes.labels("approved").inc(len(event.approved_ids))
                    self._changes.labels("rejected").inc(len(event.rejected_ids))
                case ChangeApplied():
                    self._changes.labels("applied").inc(len(event.change_ids))
                case _:
                    pass  # nothing that happens to a change

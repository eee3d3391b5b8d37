"""The snapshots that an instance holds, and how new answers become part of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from stats.domain.runtime import HordeKind, Received, RuntimeSnapshot, Source
from stats.horde.answers import HordeCallFailed
from stats.horde.client import Call
from stats.horde.timing import Timing

T = TypeVar("T")

Outcome = Received[Any] | HordeCallFailed | None
"""What a call gave; None is an answer that holds nothing."""

Answers = Mapping[Call, Outcome]
OnSnapshot = Callable[[HordeKind], None]

TICK: Final = 1e-6  # seconds; the time of a snapshot is its name


class Figures:
    """Holds one snapshot a kind, and shows it: as it is, or as stale when none came for long.

    What is shown as stale has a time of its own, and the same on every instance, so that equal times always
    mean equal content.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._held = {kind: RuntimeSnapshot(kind) for kind in HordeKind}
        self._shown = dict(self._held)
        self._since = dict.fromkeys(HordeKind, timing.monotonic())
        self._listeners: list[OnSnapshot] = []

    @property
    def held(self) -> Mapping[HordeKind, RuntimeSnapshot]:
        """The snapshots as they were published."""
        return self._held

    @property
    def shown(self) -> Mapping[HordeKind, RuntimeSnapshot]:
        """The snapshots as they are to be served."""
        return self._shown

    @property
    def are_empty(self) -> bool:
        """Whether nothing was ever received."""
        return all(snapshot.is_empty for snapshot in self._held.values())

    def listen(self, listener: OnSnapshot) -> None:
        """Call the listener after what is shown of a kind changed."""
        self._listeners.append(listener)

    def hold(self, snapshots: Iterable[RuntimeSnapshot]) -> None:
        """Replace what is held by what this or another instance published."""
        for snapshot in snapshots:
            self._held[snapshot.kind] = snapshot
            self._since[snapshot.kind] = self._timing.monotonic()
            self._show(snapshot)

    def take(self, answers: Answers) -> list[RuntimeSnapshot]:
        """Make the answers a part of what is held, and return the snapshots that changed by that."""
        changed = []
        for kind, held in self._held.items():
            snapshot = held
            for source in Source:
                if (kind, source) in answers:
                    snapshot = _with_outcome(snapshot, source, answers[kind, source])
            if snapshot is not held:
                changed.append(replace(snapshot, published_at=self._next_time(held)))
        self.hold(changed)
        return changed

    def age(self) -> None:
        """Show as stale what was not replaced for long."""
        oldest = self._timing.monotonic() - self._timing.stale_seconds
        for kind, held in self._held.items():
            if self._since[kind] < oldest and not is_stale(held):
                self._show(replace(_all_stale(held), published_at=held.published_at + TICK))

    def _show(self, snapshot: RuntimeSnapshot) -> None:
        if self._shown[snapshot.kind].published_at == snapshot.published_at:
            return
        self._shown[snapshot.kind] = snapshot
        for listener in self._listeners:
            listener(snapshot.kind)

    def _next_time(self, held: RuntimeSnapshot) -> float:
        """Return the time by the wall clock; one that stands still gives no time twice."""
        now = round(self._timing.wall(), 6)
        stands_still = held.published_at - 1 < now < held.published_at + 2 * TICK
        return round(held.published_at + 3 * TICK, 6) if stands_still else now


def is_stale(snapshot: RuntimeSnapshot) -> bool:
    """Return whether nothing in the snapshot is fresh."""
    received = (snapshot.status, snapshot.usage, snapshot.workers)
    return all(one is None or one.stale for one in received)


def _with_outcome(snapshot: RuntimeSnapshot, source: Source, outcome: Outcome) -> RuntimeSnapshot:
    """Return the snapshot itself where the outcome changes nothing."""
    match source:
        case Source.STATUS:
            status = _newest(snapshot.status, outcome)
            return snapshot if status is snapshot.status else replace(snapshot, status=status)
        case Source.USAGE:
            usage = _newest(snapshot.usage, outcome)
            return snapshot if usage is snapshot.usage else replace(snapshot, usage=usage)
        case Source.WORKERS:
            workers = _newest(snapshot.workers, outcome)
            return snapshot if workers is snapshot.workers else replace(snapshot, workers=workers)


def _newest(kept: Received[T] | None, outcome: Outcome) -> Received[T] | None:
    """Return the answer, or the last good one, which is stale by now."""
    return outcome if isinstance(outcome, Received) else _stale(kept)


def _all_stale(snapshot: RuntimeSnapshot) -> RuntimeSnapshot:
    return replace(
        snapshot,
        status=_stale(snapshot.status),
        usage=_stale(snapshot.usage),
        workers=_stale(snapshot.workers),
    )


def _stale(received: Received[T] | None) -> Received[T] | None:
    return received if received is None or received.stale else replace(received, stale=True)

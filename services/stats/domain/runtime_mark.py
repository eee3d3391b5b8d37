"""From when the live figures of an answer are (aihorde-api.md section 6, statistics.md section 6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stats.domain.runtime import Received, RuntimeSnapshot, Source


@dataclass(frozen=True, slots=True)
class RuntimeMark:
    """`fetched_at` (Unix seconds) is that of the oldest source; `stale` when any source is, or missing."""

    fetched_at: int
    stale: bool

    def age_seconds(self, now: float) -> int:
        """Return how old the oldest source is at `now`, never less than 0 whatever clocks do."""
        return max(0, int(now) - self.fetched_at)


def runtime_value(snapshot: RuntimeSnapshot) -> dict[str, Any]:
    """Return for each source when it was fetched, whether it is stale, and what of it was left out."""
    return {str(source): _source_value(received) for source, received in _sources(snapshot)}


def runtime_mark(snapshot: RuntimeSnapshot) -> RuntimeMark:
    """Return the same in short. At least one source must have been received."""
    received = [one for _, one in _sources(snapshot)]
    return RuntimeMark(
        fetched_at=int(min(one.fetched_at for one in received if one is not None)),
        stale=any(one is None or one.stale for one in received),
    )


def sources_of(snapshot: RuntimeSnapshot) -> frozenset[Source]:
    """Return the sources that ever answered."""
    return frozenset(source for source, one in _sources(snapshot) if one is not None)


def stale_sources(snapshot: RuntimeSnapshot) -> frozenset[Source]:
    """Return the sources whose last answer is no news any more."""
    return frozenset(source for source, one in _sources(snapshot) if one is not None and one.stale)


def _sources(snapshot: RuntimeSnapshot) -> Iterator[tuple[Source, Received[Any] | None]]:
    yield Source.STATUS, snapshot.status
    yield Source.USAGE, snapshot.usage
    yield Source.WORKERS, snapshot.workers


def _source_value(received: Received[Any] | None) -> dict[str, Any]:
    if received is None:
        return {"fetched_at": None, "stale": True, "skipped": 0}
    return {"fetched_at": int(received.fetched_at), "stale": received.stale, "skipped": received.skipped}

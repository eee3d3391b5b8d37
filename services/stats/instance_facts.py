"""What an instance of the stats service says of itself."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from registry.instance_events import Audience, reporting
from service_kit.health import Check
from service_kit.instance_reports import Identity, Position, Subject
from service_kit.neighbour_checks import neighbour_checks
from stats.domain.runtime import HordeKind, RuntimeSnapshot
from stats.horde.figures import is_stale
from stats.opening import Neighbours, StatsSide
from stats.settings import StatsSettings


def reported(
    identity: Identity,
    side: StatsSide,
    settings: StatsSettings,
    neighbours: Neighbours,
    *checks: Check,
) -> AbstractAsyncContextManager[None]:
    """Report on the instance until the end of the context."""
    every_check = [
        *checks,
        *neighbour_checks(
            store=neighbours.store, bus=neighbours.bus, amqp=settings.amqp, redis=neighbours.cache
        ),
    ]
    subject = Subject(lambda: _position(side), lambda: figure_facts(side))
    return reporting(identity, every_check, subject, Audience(neighbours.bus))


def figure_facts(side: StatsSide) -> Mapping[str, object]:
    """Return how old the figures of the AI-Horde are, and how long its last answer took."""
    feed = side.feed
    if feed is None:
        return {}
    seconds = feed.call_seconds
    return {
        "figures": [_figures(feed.snapshot(kind)) for kind in HordeKind],
        "latencies": {} if seconds is None else {"ai_horde": seconds},
    }


def _figures(snapshot: RuntimeSnapshot) -> Mapping[str, object]:
    received = list(_fetched(snapshot))
    return {
        "kind": snapshot.kind.value,
        "received_at": datetime.fromtimestamp(min(received), UTC) if received else None,
        "stale": bool(received) and is_stale(snapshot),
    }


def _fetched(snapshot: RuntimeSnapshot) -> Iterator[float]:
    """Yield when each source last answered usably: the figures are as old as the oldest of them."""
    for received in (snapshot.status, snapshot.usage, snapshot.workers):
        if received is not None:
            yield received.fetched_at


def _position(side: StatsSide) -> Position:
    results = side.engine.results
    if results is None:
        return Position()
    return Position(results.content.sequence if results.content else 0, results.revision)

"""What runs beside the routes: live figures, history, and the engine that builds results of both."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from service_kit.cache import Cache
from service_kit.errors import NotReady
from service_kit.event_bus import EventBus
from service_kit.lease import Lease
from service_kit.object_store import ObjectStore
from service_kit.revision_lag import RevisionLag
from service_kit.telemetry import Telemetry
from stats.domain.live_tables import LiveTables
from stats.domain.runtime_mark import stale_sources
from stats.engine import RevisionSource, StatsEngine
from stats.history.opening import open_history
from stats.history.reader import FoundHistory, HistoryReader, Question
from stats.history.recorder import HistoryRecorder
from stats.horde.feed import RuntimeFeed, open_runtime_feed
from stats.metrics import BuildMetrics, ResultMetrics
from stats.settings import StatsSettings
from stats.totals_metrics import TotalsMetrics


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What the statistics need of the world; the store is for the history, and has to be writable."""

    store: ObjectStore
    cache: Cache
    bus: EventBus
    lease: Lease


class LateHistory:
    """The history of an instance for its routes, which are there before it is opened."""

    def __init__(self) -> None:
        self.reader: HistoryReader | None = None

    async def answer(self, question: Question) -> FoundHistory:
        """Answer a question. Raises `NotReady`, and what the reader raises."""
        if self.reader is None:
            raise NotReady("the history is not open yet")
        return await self.reader.answer(question)


class StatsSide:
    """The statistics of one instance: what its routes stand on."""

    def __init__(self, settings: StatsSettings, telemetry: Telemetry) -> None:
        self.engine = StatsEngine(
            settings.risk_rules,
            on_built=BuildMetrics(telemetry).note,
            on_revision=RevisionLag(telemetry.revision_lag, "statistics").reached,
            runtime_pace_seconds=settings.statistics_pace_seconds,
        )
        self.history = LateHistory()
        self.feed: RuntimeFeed | None = None
        telemetry.registry.register(ResultMetrics(self.engine))
        telemetry.registry.register(TotalsMetrics(self.engine.figures))

    def has_model(self, category: str, name: str) -> bool:
        """Whether there is such a model now. Raises `NotReady` while nothing is loaded."""
        found = self.engine.current().categories.get(category)
        return found is not None and name in found.source.records


@contextlib.asynccontextmanager
async def computing(
    side: StatsSide,
    settings: StatsSettings,
    neighbours: Neighbours,
    revisions: RevisionSource,
    telemetry: Telemetry,
) -> AsyncIterator[None]:
    """Keep the results at the newest figures, and record these, until the end of the context.

    Whoever follows the catalogue hands its revisions to `side.engine.take`. That neighbours are away is no
    error.
    """
    engine, cache = side.engine, neighbours.cache
    async with contextlib.AsyncExitStack() as stack:
        feed = await stack.enter_async_context(
            open_runtime_feed(settings, cache, neighbours.lease, neighbours.bus, telemetry)
        )
        history = await stack.enter_async_context(
            open_history(neighbours.store, cache, telemetry, is_leader=lambda: feed.is_leader)
        )
        engine.on_figures(partial(_record, history.recorder))
        side.feed, side.history.reader = feed, history.reader
        engine.attach(revisions, feed)
        building = asyncio.create_task(engine.run())
        try:
            yield
        finally:
            building.cancel()
            await asyncio.gather(building, return_exceptions=True)


def _record(recorder: HistoryRecorder, category: str, tables: LiveTables) -> None:
    snapshot = tables.snapshot
    recorder.note(category, tables.figures, snapshot.published_at, stale=stale_sources(snapshot))

"""Sets the history going."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from service_kit.cache import Cache
from service_kit.object_store import ObjectStore
from service_kit.slices import Workshop
from service_kit.telemetry import Telemetry
from stats.history.metrics import HistoryMetrics
from stats.history.reader import HistoryReader
from stats.history.recorder import HistoryRecorder


@dataclass(frozen=True, slots=True)
class History:
    """Takes figures down, and answers questions about them."""

    recorder: HistoryRecorder
    reader: HistoryReader


@contextlib.asynccontextmanager
async def open_history(
    store: ObjectStore,
    cache: Cache,
    telemetry: Telemetry,
    *,
    is_leader: Callable[[], bool],
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[History]:
    """Record and answer until the end of the context; the store has to be one that may be written.

    `is_leader` tells whether this instance holds the lease at the moment, `clock` Unix seconds. That the
    store or the cache is away is no error.
    """
    workshop = Workshop()
    recorder = HistoryRecorder(store, cache, workshop, is_leader, clock=clock)
    reader = HistoryReader(store, workshop)
    telemetry.registry.register(HistoryMetrics(recorder, reader))
    recording = asyncio.create_task(recorder.run())
    try:
        yield History(recorder, reader)
    finally:
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
        await recorder.save()
        await reader.close()
        workshop.close()

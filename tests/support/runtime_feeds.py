"""Feeds of live figures as instances of the stats service have them, in a hurry."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from service_kit.event_bus import EventBus
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.settings import RedisSettings
from service_kit.stores import open_cache, open_lease
from service_kit.telemetry import Telemetry
from stats.domain.runtime import HordeKind, Received, RuntimeSnapshot, Source
from stats.horde.feed import RuntimeFeed, open_runtime_feed
from stats.horde.settings import HordeSettings
from stats.horde.timing import Timing

INTERVAL_SECONDS = 0.4
HURRY = replace(
    Timing.of_interval(INTERVAL_SECONDS),
    open_seconds=0.4,
    cold_rest_seconds=0.3,
    probe_seconds=0.2,
    partial_seconds=0.2,
)
NO_REDIS = RedisSettings(use_redis=False)
DEADLINE_SECONDS = 60.0


@contextlib.asynccontextmanager
async def a_feed(
    url: str,
    redis: RedisSettings = NO_REDIS,
    bus: EventBus | None = None,
    *,
    timing: Timing = HURRY,
    telemetry: Telemetry | None = None,
    **settings: Any,
) -> AsyncIterator[RuntimeFeed]:
    telemetry = telemetry or Telemetry("stats")
    given = HordeSettings.model_validate({"AI_HORDE_URL": url, "horde_api_timeout": 20.0, **settings})
    async with (
        open_cache(redis, telemetry) as cache,
        open_lease(redis, telemetry) as lease,
        open_runtime_feed(given, cache, lease, bus or MemoryEventBus(), telemetry, timing=timing) as feed,
    ):
        yield feed


@contextlib.asynccontextmanager
async def some_feeds(
    count: int, url: str, redis: RedisSettings, *, timing: Timing = HURRY
) -> AsyncIterator[list[RuntimeFeed]]:
    """Yield feeds with one bus and one Redis."""
    bus = MemoryEventBus()
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(a_feed(url, redis, bus, timing=timing)) for _ in range(count)]


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - what it waits for has many causes
            await asyncio.sleep(0.02)


def source_of(snapshot: RuntimeSnapshot, source: Source) -> Received[Any] | None:
    return {
        Source.STATUS: snapshot.status,
        Source.USAGE: snapshot.usage,
        Source.WORKERS: snapshot.workers,
    }[source]


def marks(feed: RuntimeFeed) -> dict[str, str]:
    """Return `fresh`, `stale` or `missing` by kind and source."""
    found = {}
    for kind in HordeKind:
        for source in Source:
            received = source_of(feed.snapshot(kind), source)
            found[f"{kind} {source}"] = (
                "missing" if received is None else "stale" if received.stale else "fresh"
            )
    return found


def is_all(feed: RuntimeFeed, mark: str) -> bool:
    return set(marks(feed).values()) == {mark}

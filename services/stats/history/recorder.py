"""Writes down once an hour what the AI-Horde told about the models."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

from horde_model_reference.integrations.horde_merge import CategoryFigures
from horde_model_reference.jitter import JITTER
from service_kit.cache import Cache
from service_kit.errors import ObjectExists, StoreUnavailable
from service_kit.object_store import ObjectStore
from service_kit.slices import Workshop
from stats.domain.runtime import KIND_OF_CATEGORY, Source
from stats.history.compaction import Compaction
from stats.history.object_names import HOUR_SECONDS, Hour, floored, hour_key, hour_of
from stats.history.pack import hour_steps
from stats.history.tally import HourTally, find_tally, save_tally

TURN_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 120  # until the last figures of an hour are there
DEPUTY_SECONDS: Final = 900  # so late others write what the leader did not
MAX_WAITING_HOURS: Final = 7 * 24  # for a store that is away, of each category
MAX_OPEN_HOURS: Final = 4  # of each category; more than two are seen only when the clock jumps
SAVED_SECONDS: Final = 3 * HOUR_SECONDS

log = logging.getLogger(__name__)


class HistoryRecorder:
    """Counts samples of every category with figures, and stores each hour when it is over.

    Every instance counts, so each can write: the one for which `is_leader()` holds at once, the others, in
    case there is no leader, a quarter of an hour later; what is stored first stays. The leader keeps the
    running hour in the shared cache, from where the next one takes it up. While the store is
    away, the hours of a week wait in memory. `clock` tells Unix seconds.
    """

    def __init__(
        self,
        store: ObjectStore,
        cache: Cache,
        workshop: Workshop,
        is_leader: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.time,
        turn_seconds: float = TURN_SECONDS,
    ) -> None:
        self._turn_seconds = turn_seconds
        self._store = store
        self._cache = cache
        self._workshop = workshop
        self._is_leader = is_leader
        self._clock = clock
        self._open: dict[Hour, HourTally] = {}
        self._unsaved: set[Hour] = set()
        self._waiting: dict[Hour, bytes] = {}
        self._compactions = {name: Compaction(store, workshop, name) for name in KIND_OF_CATEGORY}
        self._led = False
        self._compacted_in = -1  # the hour of the last pass
        self.hours_written = 0
        self.hours_lost = 0
        self.failures = 0

    @property
    def hours_waiting(self) -> int:
        """How many hours are over and not known to be stored."""
        return len(self._waiting)

    @property
    def days_compacted(self) -> int:
        """How many days this instance made one object of."""
        return sum(compaction.days for compaction in self._compactions.values())

    def note(
        self, category: str, figures: CategoryFigures, at: float, *, stale: Collection[Source] = ()
    ) -> None:
        """Count a sample: figures, and when they were published (`RuntimeSnapshot.published_at`).

        The same moment counts once, so that figures may be noted again when the catalogue changed. Nothing
        is counted of the sources that are `stale`: what was true an hour ago is not history of now.
        """
        if not math.isfinite(at) or at <= 0:
            return
        hour = hour_of(category, at)
        tally = self._open.get(hour) or HourTally()
        if tally.add(figures, at, stale):
            self._open[hour] = tally
            self._unsaved.add(hour)
            self._bound_open(category, hour)

    async def run(self) -> None:
        """Record until it is cancelled. Of failures in a row the first is told."""
        is_failing = False
        while True:
            try:
                await self.turn()
                is_failing = False
            except Exception as error:
                self.failures += 1
                surprising = None if isinstance(error, StoreUnavailable) else error
                level = logging.DEBUG if is_failing and surprising is None else logging.WARNING
                is_failing = True
                log.log(level, "the history waits to be written: %s", error, exc_info=surprising)
            await asyncio.sleep(self._turn_seconds * JITTER.uniform(0.8, 1.2))

    async def turn(self) -> None:
        """Do what is due. Raises `StoreUnavailable`."""
        await self.save()
        await self._close_hours()
        await self._write()
        await self._compact()

    async def save(self) -> None:
        """Keep the running hours in the shared cache, if this instance leads."""
        led, self._led = self._led, self._is_leader()
        if not self._led:
            return
        if not led:
            await self._recall()
        unsaved, self._unsaved = self._unsaved, set()
        items = {_saved_key(hour): save_tally(self._open[hour]) for hour in unsaved if hour in self._open}
        if items:
            await self._cache.set_many(items, ttl_seconds=SAVED_SECONDS)

    async def _recall(self) -> None:
        """Take up what the last leader counted in this hour and in the one before."""
        this = floored(self._clock(), HOUR_SECONDS)
        hours = [Hour(name, start) for name in KIND_OF_CATEGORY for start in (this - HOUR_SECONDS, this)]
        found = await self._cache.get_many([_saved_key(hour) for hour in hours])
        for hour, saved in zip(hours, found, strict=True):
            older = find_tally(saved) if saved is not None else None
            if older is not None:
                own = self._open.get(hour)
                self._open[hour] = older if own is None else own.joined(older)

    async def _close_hours(self) -> None:
        now = self._clock()
        for hour in sorted(hour for hour in self._open if hour.end + GRACE_SECONDS <= now):
            tally = self._open.pop(hour)
            pack = await self._workshop.run(hour_steps(hour, tally))
            self._waiting.setdefault(hour, pack)
            self._bound_waiting(hour.category)

    async def _write(self) -> None:
        for hour in sorted(self._waiting, key=lambda hour: hour.start):
            if not self._is_leader() and self._clock() < hour.end + DEPUTY_SECONDS:
                continue
            try:
                await self._store.create(hour_key(*hour), self._waiting[hour])
                self.hours_written += 1
            except ObjectExists:  # of another instance, or ours although the answer was lost
                pass
            del self._waiting[hour]

    async def _compact(self) -> None:
        now = self._clock()
        this = floored(now, HOUR_SECONDS)
        if this == self._compacted_in or not self._is_leader():
            return
        for category, compaction in self._compactions.items():
            await compaction.run(now, _starts(self._waiting, category))
        self._compacted_in = this

    def _bound_open(self, category: str, newest: Hour) -> None:
        """Give up the smallest tally but the newest where a clock jumped often."""
        others = [hour for hour in self._open if hour.category == category and hour != newest]
        if len(others) >= MAX_OPEN_HOURS:
            del self._open[min(others, key=lambda hour: len(self._open[hour].moments))]

    def _bound_waiting(self, category: str) -> None:
        starts = _starts(self._waiting, category)
        if len(starts) > MAX_WAITING_HOURS:
            del self._waiting[Hour(category, min(starts))]
            self.hours_lost += 1


def _saved_key(hour: Hour) -> str:
    return f"stats:history:{hour.category}:{hour.start}"


def _starts(hours: Iterable[Hour], category: str) -> list[int]:
    return [hour.start for hour in hours if hour.category == category]

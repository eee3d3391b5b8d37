"""Makes one object of the hours of a day that is over.

It may be interrupted anywhere and done by several instances at once: the object of a day is created once,
and an hour is deleted only after the day that is stored was seen to hold it. An hour that comes when its day
is made already is not lost: it stays where it is, and readers look there too.
"""

import logging
from collections.abc import Collection
from contextlib import suppress
from itertools import groupby
from typing import Final

from service_kit.errors import ObjectExists, ObjectMissing
from service_kit.object_store import ObjectStore
from service_kit.slices import Workshop
from stats.history.object_names import (
    DAY_SECONDS,
    HOUR_SECONDS,
    day_key,
    find_start,
    floored,
    hour_key,
    hourly_folder,
)
from stats.history.pack import PackUnreadable, check_pack, day_steps

DELAY_SECONDS: Final = 2 * HOUR_SECONDS  # so that the last hour, too, is there
MAX_HOURS: Final = 10_000  # that are looked at in one pass: more than a year's

log = logging.getLogger(__name__)


class Compaction:
    """Compacts the days of one category."""

    def __init__(self, store: ObjectStore, workshop: Workshop, category: str) -> None:
        self._store = store
        self._workshop = workshop
        self._category = category
        self._left: dict[int, frozenset[int]] = {}  # of a day that is done, the hours that came too late
        self.days = 0

    async def run(self, now: float, waiting: Collection[int] = ()) -> None:
        """Compact the days that ended a while ago, but none to which `waiting` hours still will be added.

        Raises `StoreUnavailable`; then it has to be run again.
        """
        keys = await self._store.list_after(hourly_folder(self._category), limit=MAX_HOURS)
        starts = (start for start in map(find_start, keys) if start is not None)
        busy = {floored(start, DAY_SECONDS) for start in waiting}
        for day, hours in groupby(starts, key=lambda start: floored(start, DAY_SECONDS)):
            present = frozenset(hours)
            is_over = day + DAY_SECONDS + DELAY_SECONDS <= now
            if is_over and day not in busy and self._left.get(day) != present:
                await self._compact(day, present)

    async def _compact(self, day: int, present: frozenset[int]) -> None:
        key = day_key(self._category, day)
        stored = await self._find(key)
        if stored is None:
            made = await self._make(sorted(present))
            if made is not None:
                with suppress(ObjectExists):  # another instance made it
                    await self._store.create(key, made)
                    self.days += 1
                stored = await self._store.get(key)
        held = frozenset(self._hours_of(key, stored) if stored is not None else ())
        for start in sorted(present & held):
            await self._store.delete(hour_key(self._category, start))
        self._left[day] = present - held

    def _hours_of(self, key: str, stored: bytes) -> Collection[int]:
        try:
            return check_pack(stored).hours
        except PackUnreadable as error:
            log.error("%s cannot be read: %s", key, error)  # noqa: TRY400 - the traceback tells nothing
            return ()

    async def _make(self, starts: Collection[int]) -> bytes | None:
        """Return the object of a day made of the hours that can be read; None if none can."""
        packs: list[bytes] = []
        for start in starts:
            key = hour_key(self._category, start)
            pack = await self._find(key)
            if pack is None:
                continue  # another instance deleted it
            if self._hours_of(key, pack) == (start,):
                packs.append(pack)
        return await self._workshop.run(day_steps(packs)) if packs else None

    async def _find(self, key: str) -> bytes | None:
        try:
            return await self._store.get(key)
        except ObjectMissing:
            return None

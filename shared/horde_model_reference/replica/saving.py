"""Writes what a replica holds to the disk, soon after it changed, and never twice at once."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Final

from horde_model_reference.replica.catalogue import NOTHING, Catalogue, Entry
from horde_model_reference.replica.disk_cache import DiskCache

SOON_SECONDS: Final = (0.2, 1.0)
"""Many programs hear of a change at once: those who read it come first, and the disk a little later."""

log = logging.getLogger(__name__)


class Saving:
    """Keeps the copies on the disk up to date with what `find` returns."""

    def __init__(self, disk: DiskCache, source_url: str | None) -> None:
        self._disk = disk
        self._source_url = source_url
        self.find: Callable[[], Catalogue] = lambda: NOTHING
        self._due: dict[str, float] = {}
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def note(self, category: str) -> None:
        """Have the category written soon."""
        self._due[category] = time.time()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._soon())

    async def flush(self) -> None:
        """Write what is waiting, now."""
        async with self._writing:
            due, self._due = self._due, {}
            held = self.find()
            for category, noted_at in due.items():
                entry = held.entries.get(category)
                if entry is not None and not entry.stored:
                    await asyncio.to_thread(self._write, category, entry, held.revision, noted_at)

    async def _soon(self) -> None:
        while self._due:
            await asyncio.sleep(random.uniform(*SOON_SECONDS))  # noqa: S311 - jitter
            await self.flush()

    def _write(self, category: str, entry: Entry, revision: int | None, noted_at: float) -> None:
        self._disk.write(
            category,
            entry.raw.rendered().body,
            origin=entry.origin,
            source_url=self._source_url if entry.origin == "primary" else None,
            etag=entry.etag,
            revision=revision if entry.anchored else None,
            fetched_at=noted_at,
        )

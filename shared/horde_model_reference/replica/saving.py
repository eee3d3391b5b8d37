"""Writes what a replica holds to the disk, soon after it changed, and never twice at once."""

import asyncio
import time
from typing import Final, Protocol

from horde_model_reference.jitter import JITTER
from horde_model_reference.replica.catalogue import Catalogue, Entry
from horde_model_reference.replica.disk_cache import DiskCache
from horde_model_reference.replica.raw_document import RawDocument

SOON_SECONDS: Final = (0.2, 1.0)
"""Many programs hear of a change at once: those who read it come first, and the disk a little later."""


class Holder(Protocol):
    """What is to be saved."""

    @property
    def catalogue(self) -> Catalogue:
        """What is held now."""

    def take_rendered(self, category: str, entry: Entry, raw: RawDocument, *, stored: bool) -> None:
        """Take the document of an entry with all changes worked in; `stored`: it lies on the disk."""


class Saving:
    """Keeps the copies on the disk up to date with what a holder has."""

    def __init__(self, disk: DiskCache, source_url: str | None) -> None:
        self._disk = disk
        self._source_url = source_url
        self._holder: Holder | None = None
        self._due: dict[str, float] = {}
        self._failed: dict[str, float] = {}
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def serve(self, holder: Holder) -> None:
        """Save what this one has."""
        self._holder = holder

    def note(self, category: str) -> None:
        """Have the category written soon."""
        self._due[category] = time.time()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._soon())

    async def flush(self) -> None:
        """Write what is waiting, now. What cannot be written is tried again the next time."""
        async with self._writing:
            self._due = self._failed | self._due
            self._failed = {}
            for category, noted_at in list(self._due.items()):
                if self._holder is not None and not await self._save(self._holder, category, noted_at):
                    self._failed[category] = noted_at
                if self._due.get(category) == noted_at:
                    del self._due[category]

    async def _soon(self) -> None:
        while self._due:
            await asyncio.sleep(JITTER.uniform(*SOON_SECONDS))
            await self.flush()

    async def _save(self, holder: Holder, category: str, noted_at: float) -> bool:
        held = holder.catalogue
        entry = held.entries.get(category)
        if entry is None or entry.stored:
            return True
        raw = await asyncio.to_thread(entry.raw.rendered)
        stored = await asyncio.to_thread(self._write, category, entry, raw, held.revision, noted_at)
        holder.take_rendered(category, entry, raw, stored=stored)
        return stored

    def _write(
        self, category: str, entry: Entry, raw: RawDocument, revision: int | None, noted_at: float
    ) -> bool:
        return self._disk.write(
            category,
            raw.body,
            origin=entry.origin,
            source_url=self._source_url if entry.origin == "primary" else None,
            etag=entry.etag,
            revision=revision if entry.anchored else None,
            fetched_at=noted_at,
        )

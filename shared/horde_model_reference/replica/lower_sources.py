"""Where a category comes from when the PRIMARY does not give it: GitHub, and the copies on the disk."""

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from horde_model_reference.replica.catalogue import Entry, entry_of
from horde_model_reference.replica.disk_cache import DiskCache, DiskDocument
from horde_model_reference.replica.errors import SourceFailed, SourceUnusable
from horde_model_reference.replica.github_client import GithubClient

KEPT_ON_DISK_SECONDS: Final = 7 * 24 * 3600.0
"""Copies of a PRIMARY's documents give way to GitHub's, which lack some things, when they are so old."""

log = logging.getLogger(__name__)


class LowerSources:
    """GitHub, unless there is none to ask, and the disk."""

    def __init__(self, github: GithubClient | None, disk: DiskCache) -> None:
        self._github = github
        self._disk = disk

    async def from_github(self, category: str) -> Entry | None:
        """Return the category as it is on GitHub; None, after logging, if that is not to be had."""
        if self._github is None:
            return None
        try:
            document = await self._github.document(category)
            if document is None:
                return None
            entry = await asyncio.to_thread(entry_of, category, document.v2, document.value, origin="github")
        except SourceFailed as error:
            log.warning("%s is not to be had from GitHub: %s", category, error)
            return None
        await asyncio.to_thread(self._disk.write_legacy, category, document.legacy)
        copy = await asyncio.to_thread(self._disk.read, category)
        return replace(entry, stored=copy is not None and _stays(copy))

    async def copy_of(self, category: str, source_url: str | None) -> Entry | None:
        """Return the copy on the disk, with its ETag and its revision if it came from `source_url`."""
        document = await asyncio.to_thread(self._disk.read, category)
        if document is None:
            return None
        try:
            entry = await asyncio.to_thread(
                entry_of, category, document.body, document.value, origin=document.origin, stored=True
            )
        except SourceUnusable as error:
            log.warning("the copy on the disk cannot be used: %s", error)
            return None
        if document.source_url != source_url:
            return entry
        return replace(entry, etag=document.etag, saved_at=document.revision)

    async def newest_revision(self, source_url: str) -> int | None:
        """Return the highest revision of the copies that came from there."""
        return await asyncio.to_thread(self._disk.newest_revision, source_url)

    async def copy_to_start_with(self, category: str) -> Entry | None:
        """Return the copy of a file that was downloaded from GitHub by an earlier run."""
        if await asyncio.to_thread(self._disk.read_legacy, category) is None:
            return None
        return await self.copy_of(category, None)

    async def has_copies(self, categories: Iterable[str]) -> bool:
        """Say whether one of these lies on the disk."""
        stamps = await asyncio.gather(*(asyncio.to_thread(self._disk.stamp, name) for name in categories))
        return any(stamp is not None for stamp in stamps)


def _stays(copy: DiskDocument) -> bool:
    return copy.origin == "primary" and time.time() - copy.fetched_at < KEPT_ON_DISK_SECONDS

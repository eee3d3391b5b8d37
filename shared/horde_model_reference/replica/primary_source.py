"""What a PRIMARY gives for the catalogue of a replica: categories, and the way to the next revision."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

from pydantic_core import to_json

from horde_model_reference.meta_consts import is_held_here
from horde_model_reference.replica.catalogue import Catalogue, Entry, entry_of
from horde_model_reference.replica.errors import NotOffered, SourceFailed, SourceUnavailable, SourceUnusable
from horde_model_reference.replica.fetching import Fetcher
from horde_model_reference.replica.primary_answers import (
    FetchedDocument,
    LegacyDocument,
    NotModified,
    RevisionEvent,
)
from horde_model_reference.replica.primary_client import PrimaryClient

AT_ONCE: Final = 6
"""Requests at one time: a server of the old kind answers one after another."""

DOUBTFUL_SECONDS: Final = 30.0
"""So long after a failure one attempt is enough, until there is a success."""

CHANGED_INLINE: Final = 50
"""More changed records than these are built beside the loop."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A category, and the revision that it is of; None from a server of the old kind."""

    entry: Entry
    revision: int | None


class PrimarySource:
    """Asks one PRIMARY, of our kind or of the old one. Every method raises the kinds of `SourceFailed`.

    `budget_seconds` is for everything that one method does.
    """

    takes_bundles = True

    def __init__(self, url: str, fetcher: Fetcher, quick_fetcher: Fetcher, *, budget_seconds: float) -> None:
        self.url = url
        self._patient = PrimaryClient(url, fetcher)
        self._quick = PrimaryClient(url, quick_fetcher)
        self._budget_seconds = budget_seconds
        self._places = asyncio.Semaphore(AT_ONCE)
        self._failed_at: float | None = None

    async def load(self, category: str, known: Entry | None, min_revision: int | None) -> Loaded:
        """Return a category as it is now; `known` spares its transport where it is the same."""
        if known is not None and known.etag is None and known.saved_at is not None:
            with contextlib.suppress(NotOffered):
                return await self._followed_up(category, known, known.saved_at, min_revision)
        etag = known.etag if known is not None else None
        async with self._asking() as client, self._places:
            answer = await client.document(category, etag=etag, min_revision=min_revision)
        if isinstance(answer, NotModified):
            if known is None:
                raise SourceUnusable(f"{category}: not modified, but nothing is known")
            return Loaded(known, answer.revision)
        return Loaded(await self._entry(answer), answer.revision)

    async def _followed_up(
        self, category: str, copy: Entry, saved_at: int, min_revision: int | None
    ) -> Loaded:
        """Return a category of which a copy is known, as of what has changed since."""
        alone = Catalogue({category: replace(copy, anchored=True)}, saved_at)
        async with self._places:
            after = await self.advanced(alone, min_revision)
        return Loaded(after.entries[category], after.revision)

    async def load_at(self, category: str, revision: int) -> Entry:
        """Return a category as it was at a revision."""
        async with self._asking() as client, self._places:
            return await self._entry(await client.document_at(category, revision))

    async def load_all(self) -> Catalogue:
        """Return everything in one answer. `NotOffered` by a server of the old kind."""
        async with self._asking() as client:
            bundle = await client.bundle()
        own = {name: value for name, value in bundle.v2.items() if is_held_here(name)}
        entries = await asyncio.to_thread(_entries_of, own)
        return Catalogue(entries, bundle.revision)

    async def advanced(self, catalogue: Catalogue, at_least: int | None = None) -> Catalogue:
        """Return the anchored part of the catalogue as it is now, at `at_least` or a later revision.

        `NotOffered` where the server cannot tell what changed since the revision of the catalogue.
        """
        since = catalogue.revision
        if since is None:
            raise SourceUnusable("there is no revision to start from")
        wanted = since if at_least is None else at_least
        async with self._asking() as client:
            try:
                changes = await client.changes(since, min_revision=wanted)
            except SourceUnavailable:  # also where the journal was begun anew, and never gets there
                changes = await self._quick.changes(since)
        if changes.to_revision < wanted:
            raise SourceUnavailable(f"{self.url} is at revision {changes.to_revision}, behind {wanted}")
        size = sum(len(item.added) + len(item.changed) for item in changes.categories.values())
        if size <= CHANGED_INLINE:
            return catalogue.advanced(changes)
        return await asyncio.to_thread(catalogue.advanced, changes)

    async def reloaded(self, catalogue: Catalogue) -> Catalogue:
        """Return the anchored part of the catalogue anew, at one revision, which may be a lower one."""
        names = sorted(catalogue.anchored)
        loads = (self.load(name, catalogue.entries[name], None) for name in names)
        found = dict(zip(names, await asyncio.gather(*loads), strict=True))
        revisions = [loaded.revision for loaded in found.values()]
        known = [revision for revision in revisions if revision is not None]
        if len(known) < len(revisions):  # it has become a server of the old kind
            entries = {name: replace(loaded.entry, anchored=False) for name, loaded in found.items()}
            return catalogue.without_anchors().with_entries(entries, None)
        newest = max(known)
        return catalogue.with_entries(
            {
                name: loaded.entry if loaded.revision == newest else await self.load_at(name, newest)
                for name, loaded in found.items()
            },
            newest,
        )

    async def legacy_text(self, category: str, etag: str | None) -> LegacyDocument | NotModified:
        """Return the legacy document of a category unchanged, unless it is the one with this ETag."""
        async with self._asking() as client, self._places:
            return await client.legacy_text(category, etag=etag)

    def events(
        self, last_revision: int
    ) -> contextlib.AbstractAsyncContextManager[AsyncIterator[RevisionEvent]]:
        """Return the live feed from a revision on; see `PrimaryClient.events`."""
        return self._quick.events(last_revision)

    async def _entry(self, document: FetchedDocument) -> Entry:
        return await asyncio.to_thread(
            entry_of,
            document.category,
            document.body,
            document.value,
            origin="primary",
            etag=document.etag,
            anchored=document.revision is not None,
        )

    @contextlib.asynccontextmanager
    async def _asking(self) -> AsyncIterator[PrimaryClient]:
        try:
            async with asyncio.timeout(self._budget_seconds):
                yield self._quick if self._is_doubtful() else self._patient
        except TimeoutError:
            self._failed_at = time.monotonic()
            raise SourceUnavailable(f"{self.url}: no answer in {self._budget_seconds:g} s") from None
        except SourceUnavailable:
            self._failed_at = time.monotonic()
            raise
        except SourceFailed:
            raise
        else:
            self._failed_at = None

    def _is_doubtful(self) -> bool:
        return self._failed_at is not None and time.monotonic() - self._failed_at < DOUBTFUL_SECONDS


def _entries_of(documents: dict[str, dict[str, dict[str, object]]]) -> dict[str, Entry]:
    return {
        name: entry_of(name, to_json(value), value, origin="primary", anchored=True)
        for name, value in documents.items()
    }

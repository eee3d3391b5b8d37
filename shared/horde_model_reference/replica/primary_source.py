"""What a PRIMARY gives for the catalogue of a replica: categories, and the way to the next revision."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final, NamedTuple

from horde_model_reference.meta_consts import is_held_here
from horde_model_reference.replica.catalogue import Catalogue, Entry, entry_of
from horde_model_reference.replica.errors import (
    NotOffered,
    SourceFailed,
    SourceRefused,
    SourceUnavailable,
    SourceUnusable,
)
from horde_model_reference.replica.fetching import Fetcher
from horde_model_reference.replica.primary_answers import (
    Fetched,
    FetchedDocument,
    LegacyDocument,
    NotModified,
    RevisionEvent,
)
from horde_model_reference.replica.primary_client import PrimaryClient
from horde_model_reference.replica.raw_document import json_bytes

AT_ONCE: Final = 6
"""Requests at one time: a server of the old kind answers one after another."""

DOUBTFUL_SECONDS: Final = 30.0
"""So long after a failure one attempt is enough, until there is a success."""

CHANGED_INLINE: Final = 50
"""More changed records than these are built beside the loop."""

log = logging.getLogger(__name__)


class Loaded(NamedTuple):
    """A category, and the revision that it is of; None from a server of the old kind."""

    entry: Entry
    revision: int | None


class PrimarySource:
    """Asks one PRIMARY, of our kind or of the old one. Every method raises the kinds of `SourceFailed`.

    `budget_seconds` is for everything that one method does. What has a kind of its own says with
    `takes_bundles` and `takes_differences` whether it takes more than whole documents.
    """

    takes_bundles = True
    takes_differences = True

    def __init__(self, url: str, fetcher: Fetcher, quick_fetcher: Fetcher, *, budget_seconds: float) -> None:
        self.url = url
        self._patient = PrimaryClient(url, fetcher)
        self._quick = PrimaryClient(url, quick_fetcher)
        self._budget_seconds = budget_seconds
        self._places = asyncio.Semaphore(AT_ONCE)
        self._failed_at: float | None = None

    async def load(self, category: str, known: Entry | None, min_revision: int | None) -> Loaded:
        """Return a category as it is now; `known` spares its transport where it is the same."""
        if self.takes_differences and known is not None and known.etag is None and known.saved_at is not None:
            with contextlib.suppress(NotOffered):
                return await self._followed_up(category, known, known.saved_at, min_revision)
        answer = await self._document(category, known, min_revision)
        if isinstance(answer, NotModified):
            if known is None:
                raise SourceUnusable(f"{category}: not modified, but nothing is known")
            await self._vouch(category, known.raw.body, answer.revision)
            return Loaded(known, answer.revision)
        return Loaded(await self._entry(answer), answer.revision)

    async def load_same(self, category: str, known: Entry, revision: int) -> Entry | None:
        """Return a category as it was at a revision; None if the server does not have it at all."""
        try:
            loaded = await self.load(category, known, revision)
        except SourceRefused as error:
            log.info("%s stays as it was: %s", category, error)
            return None
        if loaded.revision is None:
            return None
        entry = loaded.entry if loaded.revision == revision else await self.load_at(category, revision)
        return replace(entry, anchored=True)

    async def _document(self, category: str, known: Entry | None, min_revision: int | None) -> Fetched:
        etag = known.etag if known is not None else None
        async with self._asking() as client, self._places:
            try:
                return await client.document(category, etag=etag, min_revision=min_revision)
            except SourceUnavailable:  # also where the journal was begun anew, and never gets there
                if min_revision is None:
                    raise
                return await self._quick.document(category, etag=etag)

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
            document = await client.document_at(category, revision)
        return await self._entry(document)

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
        loads = (self._reload(name, catalogue.entries[name]) for name in names)
        found = dict(zip(names, await asyncio.gather(*loads), strict=True))
        loaded = {name: item for name, item in found.items() if item is not None}
        revisions = {item.revision for item in loaded.values()}
        if not revisions:
            raise SourceUnavailable(f"{self.url} has nothing of what is held")
        loose = catalogue.without_anchors()
        known = [revision for revision in revisions if revision is not None]
        if len(known) < len(revisions):  # it has become a server of the old kind
            entries = {name: replace(item.entry, anchored=False) for name, item in loaded.items()}
            return loose.with_entries(entries, None)
        newest = max(known)
        lacking = {name: loose.entries[name] for name in names if name not in loaded}
        entries = {
            name: item.entry if item.revision == newest else await self.load_at(name, newest)
            for name, item in loaded.items()
        }
        return catalogue.with_entries(lacking | entries, newest)

    async def _reload(self, category: str, known: Entry) -> Loaded | None:
        """Return a category as it is now; None if the server does not have it any more."""
        try:
            return await self.load(category, known, None)
        except SourceRefused as error:
            log.info("%s stays as it was: %s", category, error)
            return None

    async def legacy_text(self, category: str, etag: str | None) -> LegacyDocument | NotModified:
        """Return the legacy document of a category unchanged, unless it is the one with this ETag."""
        async with self._asking() as client, self._places:
            return await client.legacy_text(category, etag=etag)

    def events(
        self, last_revision: int
    ) -> contextlib.AbstractAsyncContextManager[AsyncIterator[RevisionEvent]]:
        """Return the live feed from a revision on; see `PrimaryClient.events`."""
        return self._quick.events(last_revision)

    async def _vouch(self, category: str, body: bytes, revision: int | None) -> None:
        """Raise `SourceFailed` unless this is the document of the category at the revision."""

    async def _entry(self, document: FetchedDocument) -> Entry:
        await self._vouch(document.category, document.body, document.revision)
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
        name: entry_of(name, json_bytes(value), value, origin="primary", anchored=True)
        for name, value in documents.items()
    }

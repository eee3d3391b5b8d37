"""Holds the pages that are being served, swaps in those of a new revision, and improves them afterwards."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, Protocol

from read_api.archive import Archive
from read_api.pages import CategoryPages, PackedForms, Pages, page_steps
from read_api.past import Past
from read_api.role import OnlyOnPrimary
from registry.content import CatalogueContent
from service_kit.cache import Cache
from service_kit.coding import COMPRESSED, Coding, Effort
from service_kit.documents import Document, compressed_steps
from service_kit.errors import NotReady
from service_kit.slices import SLICE_SECONDS, Workshop

FIRST_SLICE_SECONDS: Final = 0.05  # nobody is being served yet
CACHE_SECONDS: Final = 7 * 24 * 3600.0
RETRY_PAUSE_SECONDS: Final = 5.0
QUIET_SECONDS: Final = 1.0
"""Pages are improved when no new ones came for so long: what is soon outdated is not worth the work."""

OnContent = Callable[[CatalogueContent | None], None]

log = logging.getLogger(__name__)


class RevisionSource(Protocol):
    """Where new revisions come from, such as the follower of the registry."""

    @property
    def stale(self) -> bool:
        """Whether newer revisions may exist that cannot be seen."""

    @property
    def age_seconds(self) -> float:
        """How long ago the newest revision was last asked for successfully."""

    @property
    def failure(self) -> Exception | None:
        """Why the last attempt failed; None when it did not."""

    async def wait_for_revision(self, revision: int, timeout_seconds: float) -> bool:
        """Return whether the revision was reached within the time."""


class PageHolder:
    """The pages of one instance.

    `publish` is what the source of revisions calls. `polish_forever` has to run as a task beside it: it
    makes the slow best compressed forms, and what is computed on demand before anybody demands it.
    """

    def __init__(self) -> None:
        self._cache: Cache | None = None
        self._published = asyncio.Event()
        self._loaded = asyncio.Event()
        self._source: RevisionSource | None = None
        self._past: Past | None = None
        self._on_state: list[Callable[[], None]] = []
        self._on_content: list[OnContent] = []
        self.workshop = Workshop()
        self._compressing = Workshop()  # apart, so that a new revision need not wait for a slow compressor
        self.pages: Pages | None = None

    def attach(self, source: RevisionSource, past: Past | None = None) -> None:
        """Name the source of revisions, and where former ones are found: all of them in an archive.

        Without a source nothing is ever stale, and nobody waits.
        """
        self._source = source
        self._past = past

    def on_state(self, callback: Callable[[], None]) -> None:
        """Have this called after each revision, as soon as it is served and the archive knows it."""
        self._on_state.append(callback)

    def on_content(self, callback: OnContent) -> None:
        """Have this called with every catalogue, as soon as it is served; None is an empty journal."""
        self._on_content.append(callback)

    def note_state(self) -> None:
        """Take note that the source reached another state."""
        for callback in self._on_state:
            callback()

    def use_cache(self, cache: Cache) -> None:
        """Keep compressed forms in a cache that other instances may share."""
        self._cache = cache

    @property
    def cache(self) -> Cache | None:
        """What instances share; None before it is known."""
        return self._cache

    @property
    def source(self) -> RevisionSource | None:
        """Where new revisions come from."""
        return self._source

    @property
    def stale(self) -> bool:
        """Whether newer revisions may exist that this instance cannot see."""
        return self._source is not None and self._source.stale

    @property
    def has_past(self) -> bool:
        """Whether anything is known of the revisions."""
        return self._past is not None and self.pages is not None

    def past(self) -> Past:
        """Return what is known of former revisions. Raises `NotReady` before the first pages."""
        if self._past is None or self.pages is None:
            raise NotReady("the history is not loaded yet")
        return self._past

    @property
    def has_archive(self) -> bool:
        """Whether every former revision can be read."""
        return self.has_past and isinstance(self._past, Archive)

    def archive(self) -> Archive:
        """Return where every former revision is read.

        Raises `NotReady` before the first pages, `OnlyOnPrimary` where they are not kept.
        """
        past = self.past()
        if not isinstance(past, Archive):
            raise OnlyOnPrimary("former revisions are not kept here: this instance is a REPLICA")
        return past

    async def loaded(self) -> None:
        """Wait for the first pages."""
        await self._loaded.wait()

    def close(self) -> None:
        """Stop making pages; what there is can still be served."""
        self.workshop.close()
        self._compressing.close()

    def current(self) -> Pages:
        """Return the pages that are being served. Raises `NotReady` before the first."""
        if self.pages is None:
            raise NotReady("the catalogue is not loaded yet")
        return self.pages

    async def publish(self, content: CatalogueContent | None) -> None:
        """Build the pages of a revision and serve them; None is an empty journal.

        The old ones are served meanwhile, and on if this fails. Raises `DocumentUnreadable`.
        """
        previous = self.pages
        packed = await self._find_packed(content, previous)
        slice_seconds = FIRST_SLICE_SECONDS if previous is None else SLICE_SECONDS
        steps = page_steps(content, previous, packed)
        self.pages = await self.workshop.run(steps, slice_seconds=slice_seconds)
        self._published.set()
        self._loaded.set()
        for callback in self._on_content:
            callback(content)

    async def reach(self, revision: int, timeout_seconds: float) -> None:
        """Wait until the revision is being served. Raises `NotReady` when the time is over."""
        if self.pages is not None and self.pages.revision >= revision:
            return
        if self._source is not None and await self._source.wait_for_revision(revision, timeout_seconds):
            return
        raise NotReady(f"revision {revision} has not arrived here yet")

    async def polish_forever(self) -> None:
        """Improve what was published, again and again, until cancelled."""
        quiet_seconds = 0.0  # the first pages are improved at once
        while True:
            await self._published.wait()
            while self._published.is_set():
                self._published.clear()
                await asyncio.sleep(quiet_seconds)
            quiet_seconds = QUIET_SECONDS
            try:
                await self.polish()
            except Exception:  # top of a background loop: what is served is good already
                log.exception("improving the pages failed")
                await asyncio.sleep(RETRY_PAUSE_SECONDS)

    async def polish(self) -> None:
        """Improve the pages that are being served, once."""
        pages = self.current()
        await pages.search_all.ranks.get(self.workshop)
        for category in pages.categories.values():
            await category.search.ranks.get(self.workshop)
        if pages.text is not None:
            await pages.text.warm_up(self.workshop)
        for name, category in pages.categories.items():
            if not category.is_polished:
                await self._polish_category(name, category)
        if pages.text is not None:
            await pages.text.warm_up_legacy(self.workshop)

    async def _polish_category(self, name: str, category: CategoryPages) -> None:
        v2 = await self._best(category.v2)
        v1 = await self._best(category.v1) if category.v1 is not None else None
        if self.pages is not None and self.pages.categories.get(name) is category:
            self.pages = self.pages.with_category(name, replace(category, v2=v2, v1=v1))
        if self._cache is not None:
            documents = [v2] if v1 is None else [v2, v1]
            items = {key: body for document in documents for key, body in _cache_items(document)}
            await self._cache.set_many(items, ttl_seconds=CACHE_SECONDS)

    async def _best(self, document: Document) -> Document:
        if document.effort is not Effort.FAST:
            return document
        return await self._compressing.run(compressed_steps(document, Effort.BEST))

    async def _find_packed(self, content: CatalogueContent | None, previous: Pages | None) -> PackedForms:
        if self._cache is None or content is None:
            return {}
        wanted = [
            (digest[:32], coding) for digest in _new_digests(content, previous) for coding in COMPRESSED
        ]
        found = await self._cache.get_many([_cache_key(digest, coding) for digest, coding in wanted])
        packed: dict[str, dict[Coding, bytes]] = {}
        for (digest, coding), body in zip(wanted, found, strict=True):
            if body is not None:
                packed.setdefault(digest, {})[coding] = body
        return {digest: forms for digest, forms in packed.items() if len(forms) == len(COMPRESSED)}


def _new_digests(content: CatalogueContent, previous: Pages | None) -> Iterator[str]:
    known: Mapping[str, CategoryPages] = previous.categories if previous else {}
    for name, category in content.categories.items():
        if name not in known or known[name].blobs != category.blobs:
            yield category.blobs.v2
            if category.blobs.legacy is not None:
                yield category.blobs.legacy


def _cache_items(document: Document) -> Iterator[tuple[str, bytes]]:
    if document.effort is Effort.BEST:
        for coding in COMPRESSED:
            yield _cache_key(document.digest, coding), document.forms[coding].body


def _cache_key(digest: str, coding: Coding) -> str:
    return f"read-api:{digest}:{coding}:{Effort.BEST}"

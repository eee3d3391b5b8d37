"""The heart of a replica: what it holds, when it asks again, and whom (python-client.md sections 4 and 5).

Everything here runs on the loop of the library, except what says that any thread may call it.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

from horde_model_reference.replica.bundle_loads import BundleLoads
from horde_model_reference.replica.catalogue import NOTHING, Catalogue, Entry, Records, differing, rebuilt
from horde_model_reference.replica.category_loads import CategoryLoads
from horde_model_reference.replica.change_feed import ChangeFeed
from horde_model_reference.replica.contact import Contact
from horde_model_reference.replica.errors import SourceFailed
from horde_model_reference.replica.flights import Flights
from horde_model_reference.replica.freshness import Freshness
from horde_model_reference.replica.lower_sources import LowerSources
from horde_model_reference.replica.primary_source import PrimarySource
from horde_model_reference.replica.raw_document import RawDocument
from horde_model_reference.replica.revision_steps import RevisionSteps, with_late
from horde_model_reference.replica.saving import Saving
from horde_model_reference.replica.telling import Telling

ADVANCE: Final = "*"
"""The load that brings all anchored categories to the next revision; no category has this name."""


class Patience(NamedTuple):
    """How long what is held is good enough, in seconds.

    `held_wait`: who has data already waits so long at most for newer ones; they come in later. `cold_wait`:
    the same for who has only copies on the disk, which may be old. `kept`: so long are records of a PRIMARY
    that went away better than those on GitHub, which lack some. `behind`: an instance that lags has caught up
    by then; a revision that is still lower is a new beginning.
    """

    held_wait: float = 1.0
    cold_wait: float = 5.0
    kept: float = 3600.0
    behind: float = 300.0


DEFAULT_PATIENCE: Final = Patience()


class ReplicaCore:
    """Holds the catalogue, and keeps it as new as somebody reads it."""

    def __init__(  # noqa: PLR0913 - its parts
        self,
        primary: PrimarySource | None,
        lower: LowerSources,
        saving: Saving,
        freshness: Freshness,
        *,
        follow_feed: bool,
        on_change: Callable[[str], None],
        patience: Patience = DEFAULT_PATIENCE,
    ) -> None:
        self._patience = patience
        self._primary = primary
        self._lower = lower
        self._saving = saving
        self._freshness = freshness
        self._telling = Telling(on_change)
        self._feed = ChangeFeed(self) if follow_feed else None
        self._catalogue = NOTHING
        self._flights = Flights()
        self._bundles = BundleLoads(self, self._flights, lower)
        self._committing = asyncio.Lock()
        self._contact = Contact()
        self._steps = RevisionSteps(patience.behind)
        saving.serve(self)
        self._loads = CategoryLoads(self, primary, lower, freshness, self._contact, patience.kept)
        self.primary_hits = 0

    @property
    def catalogue(self) -> Catalogue:
        """What is held now. Any thread may call this."""
        return self._catalogue

    @property
    def github_fallbacks(self) -> int:
        """How often GitHub gave something."""
        return self._loads.github_fallbacks

    def take_over(self, other: "ReplicaCore") -> None:
        """Begin with what another core held, in a process that was forked off it."""
        self._catalogue = other.catalogue
        self._contact.answered_at = other._contact.answered_at  # noqa: SLF001 - one of this class

    def fresh(self, category: str) -> Records | None:
        """Return the records if there is no reason to ask for newer ones. Any thread may call this."""
        if self._freshness.until.get(category, 0.0) > time.monotonic():
            entry = self._catalogue.entries.get(category)
            return None if entry is None else entry.records
        return None

    def is_known_missing(self, category: str) -> bool:
        """Say whether nothing was found a moment ago. Any thread may call this."""
        return (
            category not in self._catalogue.entries
            and self._freshness.until.get(category, 0.0) > time.monotonic()
        )

    async def obtain(self, categories: Iterable[str], *, force: bool = False) -> None:
        """Look for newer data of categories that are not fresh; `force`: of all of them, after this call.

        Never raises `SourceFailed`: what is held stays held. Where something is held already the wait for
        better is short, unless it is forced.
        """
        wanted = list(dict.fromkeys(categories))
        if not force:
            wanted = self._open_of(wanted)
        if not force and self._primary is not None:
            missing = [name for name in wanted if name not in self._catalogue.entries]
            await self._bundles.obtain(self._primary, missing)
            wanted = self._open_of(wanted)
        flights = {key: self._flight(key, force) for key in {self._key(name) for name in wanted}}
        if not flights:
            return
        missing = [name for name in wanted if name not in self._catalogue.entries]
        if force:
            await asyncio.wait(flights.values())
        else:
            wait_seconds = self._patience.cold_wait if missing else self._patience.held_wait
            _, late = await asyncio.wait(flights.values(), timeout=wait_seconds)
            if late:
                await self._make_do(wanted, missing, late)
        for flight in flights.values():
            if flight.done():
                flight.result()

    async def _make_do(
        self, wanted: Iterable[str], missing: list[str], late: Iterable[asyncio.Task[None]]
    ) -> None:
        """Take the copies on the disk while better data are on their way, and let nobody else wait for them.

        Where there is nothing at all, wait to the end.
        """
        for name in missing:
            await self._loads.put_copy(name, as_of=-math.inf)
        if any(name in self._catalogue.entries for name in wanted):
            self._freshness.postpone(name for name in wanted if self.fresh(name) is None)
        else:
            await asyncio.wait(late)

    async def settle(self) -> None:
        """Wait until what was loaded lies on the disk."""
        await self._saving.flush()

    async def close(self) -> None:
        """End what is under way, after saving what is held."""
        if self._feed is not None:
            await self._feed.stop()
        await self._flights.cancel()
        await self._telling.stop()
        await self._saving.flush()

    async def advance(self, at_least: int | None = None) -> None:
        """Bring all anchored categories to one newer revision. Raises the kinds of `SourceFailed`."""
        async with self._committing:
            current = self._catalogue
            if at_least is not None and current.revision is not None and current.revision >= at_least:
                return
            if self._primary is None or not current.anchored:
                return
            began = time.monotonic()
            after = await self._steps.advanced(self._primary, current, at_least)
            await self._take_in(self._primary, current, after, as_of=began)

    def skip_to(self, revision: int, touched: frozenset[str]) -> bool:
        """Take note of the next revision if it touched nothing that is held; say whether that is so."""
        current = self._catalogue
        if self._committing.locked() or current.revision is None or revision != current.revision + 1:
            return False
        if touched & current.anchored:
            return False
        self._swap(current, Catalogue(current.entries, revision), as_of=time.monotonic())
        return True

    def expire(self, category: str) -> None:
        """Have the next read of a category look for newer data. Any thread may call this."""
        self._freshness.expire(category)

    async def rebuild(self, category: str) -> None:
        """Build the records of a category anew from the JSON that is held."""
        async with self._committing:
            while (entry := self._catalogue.entries.get(category)) is not None:
                fresh = await asyncio.to_thread(rebuilt, category, entry)
                if self._replace(category, entry, fresh):
                    return

    def begin(self, category: str) -> asyncio.Task[None]:
        """Begin to load a category, or join who does."""
        return self._flight(category)

    async def load(self, primary: PrimarySource, category: str) -> None:
        """Hold a category as the PRIMARY has it. Raises the kinds of `SourceFailed`."""
        began = time.monotonic()
        held = self._catalogue.entries.get(category) or await self._lower.copy_of(category, primary.url)
        floor = await self._floor(primary)
        loaded = await primary.load(category, held, floor)
        self._steps.require_no_step_back(category, loaded, held, floor)
        async with self._committing:
            current = self._catalogue
            after = await self._steps.joined(primary, current, category, loaded)
            await self._take_in(primary, current, after, as_of=began)
        if loaded.revision is None:
            self._freshness.renew((category,), as_of=began)

    async def take_bundle(self, primary: PrimarySource, bundle: Catalogue, *, as_of: float) -> None:
        """Hold what a bundle has. Raises `SourceUnavailable` if what is held is of a later revision."""
        async with self._committing:  # first, for who is before us may bring a newer revision
            self._steps.require_no_older(bundle.revision, await self._floor(primary))
            current = self._catalogue
            after = current.with_entries(bundle.entries, bundle.revision)
            await self._take_in(primary, current, after, as_of=as_of)

    def put(self, category: str, entry: Entry, *, as_of: float) -> None:
        """Hold what is not from the PRIMARY. `as_of`: when it was looked for."""
        current = self._catalogue
        self._swap(current, current.with_entries({category: entry}, current.revision), as_of=None)
        self._freshness.renew((category,), as_of=as_of)

    def take_rendered(self, category: str, entry: Entry, raw: RawDocument, *, stored: bool) -> None:
        """See `Holder`. What has changed again meanwhile will be saved once more."""
        self._replace(category, entry, replace(entry, raw=raw, stored=stored))

    def set_live(self, live: bool) -> None:
        """Take note whether new revisions are told at once."""
        if live:
            self._freshness.trust(self._catalogue.anchored)
        else:
            self._freshness.distrust()

    def _open_of(self, categories: Iterable[str]) -> list[str]:
        """Return those that have to be looked for."""
        return [name for name in categories if self.fresh(name) is None and not self.is_known_missing(name)]

    def _key(self, category: str) -> str:
        """Return what is to be loaded for a category."""
        entry = self._catalogue.entries.get(category)
        return ADVANCE if entry is not None and entry.anchored else category

    def _flight(self, key: str, force: bool = False) -> asyncio.Task[None]:
        make = self._refresh_anchored if key == ADVANCE else partial(self._loads.refresh, key, force=force)
        return (self._flights.anew if force else self._flights.join)(key, make)

    async def _floor(self, primary: PrimarySource) -> int | None:
        """Return the revision below which nothing is news: that which is held, or that of the copies."""
        return self._catalogue.revision or await self._lower.newest_revision(primary.url)

    async def _refresh_anchored(self) -> None:
        try:
            await self.advance()
        except SourceFailed as error:
            self._contact.note_failure(error)
            if self._contact.age_seconds > self._patience.kept:
                self._catalogue = self._catalogue.without_anchors()
            self._freshness.postpone(self._catalogue.entries)

    def _replace(self, category: str, known: Entry, entry: Entry) -> bool:
        """Put another form of the same content in place of what is known, if that is still held."""
        current = self._catalogue
        if current.entries.get(category) is not known:
            return False
        self._catalogue = current.with_entries({category: entry}, current.revision)
        return True

    async def _take_in(
        self, primary: PrimarySource, base: Catalogue, after: Catalogue, *, as_of: float
    ) -> None:
        """Put in place what the PRIMARY has made of `base`. One at a time."""
        base, after = await with_late(primary, base, after, lambda: self._catalogue)
        self._swap(base, after, as_of=as_of)
        self._succeeded()  # last: who hears of the contact sees nothing older any more

    def _swap(self, base: Catalogue, after: Catalogue, *, as_of: float | None) -> None:
        """Put in place what `after` has made of `base`; what others changed meanwhile stays.

        `as_of`: when the service was asked for it; None: it was not.
        """
        before = self._catalogue
        made = {name: item for name, item in after.entries.items() if base.entries.get(name) is not item}
        self._catalogue = before.with_entries(made, after.revision)
        if as_of is not None:
            self._freshness.renew(self._catalogue.anchored, told=True, as_of=as_of)
        for category in differing(before, self._catalogue):
            self._saving.note(category)
            if category in before.entries:
                self._telling.note(category)
        if after.revision is not None and self._feed is not None and self._primary is not None:
            self._feed.start(self._primary)

    def _succeeded(self) -> None:
        self.primary_hits += 1
        self._steps.note_success()
        if self._contact.note_success():
            for category in self._catalogue.entries.keys() - self._catalogue.anchored:
                self._freshness.expire(category)

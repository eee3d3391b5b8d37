"""The order in which the sources of one category are tried (python-client.md section 5)."""

import time
from typing import Protocol

from horde_model_reference.replica.catalogue import Catalogue, Entry
from horde_model_reference.replica.contact import Contact
from horde_model_reference.replica.errors import SourceFailed
from horde_model_reference.replica.freshness import Freshness
from horde_model_reference.replica.lower_sources import LowerSources
from horde_model_reference.replica.primary_source import PrimarySource


class Holder(Protocol):
    """What has to be filled. Between two looks others may fill it."""

    @property
    def catalogue(self) -> Catalogue:
        """What is held now."""

    async def load(self, primary: PrimarySource, category: str) -> None:
        """Hold a category as the PRIMARY has it. Raises the kinds of `SourceFailed`."""

    def put(self, category: str, entry: Entry, *, as_of: float) -> None:
        """Hold what is not from the PRIMARY. `as_of`: when it was looked for."""


class CategoryLoads:
    """Loads a category from the PRIMARY if there is one, else from GitHub, else from the disk.

    `kept_seconds`: so long are records of a PRIMARY that went away better than those on GitHub. Asking takes
    seconds, so what is held is looked at again before anything is put in its place.
    """

    def __init__(
        self,
        holder: Holder,
        primary: PrimarySource | None,
        lower: LowerSources,
        freshness: Freshness,
        contact: Contact,
        kept_seconds: float,
    ) -> None:
        self._holder = holder
        self._primary = primary
        self._lower = lower
        self._freshness = freshness
        self._contact = contact
        self._kept_seconds = kept_seconds
        self.github_fallbacks = 0

    async def refresh(self, category: str, *, force: bool = False) -> None:
        """Try the sources in their order, and keep what is held if none of them has better."""
        began = time.monotonic()
        if self._primary is not None:
            if await self._comes_from(self._primary, category):
                return
        elif not force and not self._is_held(category):
            copy = await self._lower.copy_to_start_with(category)
            if copy is not None:
                self._holder.put(category, copy, as_of=began)
                return
        if not self._is_kept(category):
            await self._from_below(category, began)

    async def put_copy(self, category: str, *, as_of: float) -> bool:
        """Hold the copy on the disk if there is one, and still nothing else; say whether that is so."""
        copy = None if self._is_held(category) else await self._lower.copy_of(category, None)
        if copy is None or self._is_held(category):
            return False
        self._holder.put(category, copy, as_of=as_of)
        return True

    async def _comes_from(self, primary: PrimarySource, category: str) -> bool:
        """Ask the PRIMARY; say whether it had the category."""
        try:
            await self._holder.load(primary, category)
        except SourceFailed as error:
            self._contact.note_failure(error)
            return False
        return True

    async def _from_below(self, category: str, began: float) -> None:
        found = await self._lower.from_github(category)
        if found is not None:
            self.github_fallbacks += 1
        if await self._comes_after_all(category, began) or self._is_kept(category):
            return
        if found is not None:
            self._holder.put(category, found, as_of=began)
        is_new = found is not None or await self.put_copy(category, as_of=began)
        if not is_new or self._primary is not None:  # what is better may be there soon
            self._freshness.postpone((category,))

    async def _comes_after_all(self, category: str, began: float) -> bool:
        """Ask the PRIMARY again if it has answered others since it failed; say whether it had it."""
        if self._primary is None or not self._contact.came_back_since(began):
            return False
        return self._is_anchored(category) or await self._comes_from(self._primary, category)

    def _is_kept(self, category: str) -> bool:
        """Say whether what is held is better than what comes from below; if so, when to look again."""
        entry = self._holder.catalogue.entries.get(category)
        if entry is None or entry.anchored:
            return entry is not None
        if entry.origin != "primary" or self._contact.age_seconds >= self._kept_seconds:
            return False
        self._freshness.postpone((category,))
        return True

    def _is_held(self, category: str) -> bool:
        return category in self._holder.catalogue.entries

    def _is_anchored(self, category: str) -> bool:
        return category in self._holder.catalogue.anchored

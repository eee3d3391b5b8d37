"""How categories of one PRIMARY get to one revision, and never back (architecture.md section 5)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from horde_model_reference.replica.catalogue import Catalogue, Entry
from horde_model_reference.replica.errors import NotOffered, SourceUnavailable, SourceUnusable
from horde_model_reference.replica.primary_source import Loaded, PrimarySource


class RevisionSteps:
    """Makes the next catalogue of the present one. Every step raises the kinds of `SourceFailed`.

    `behind_seconds`: a service that is at a lower revision for so long has begun anew.
    """

    def __init__(self, behind_seconds: float) -> None:
        self._behind_seconds = behind_seconds
        self._behind_since: float | None = None

    def note_success(self) -> None:
        """Take note that the service is not behind."""
        self._behind_since = None

    def require_no_step_back(
        self, category: str, loaded: Loaded, held: Entry | None, floor: int | None
    ) -> None:
        """Raise `SourceFailed` for data that are worse than those that are known.

        Nothing at all in place of records is believed only of a service that can say at which revision.
        """
        if loaded.revision is None:
            if held is not None and held.records and not loaded.entry.records:
                raise SourceUnusable(f"{category} is empty, where {len(held.records)} records were")
        else:
            self.require_no_older(loaded.revision, floor)

    def require_no_older(self, revision: int | None, floor: int | None) -> None:
        """Raise `SourceUnavailable` for a revision below the floor, unless the service has begun anew."""
        if revision is None or floor is None or revision >= floor:
            return
        self._behind_since = self._behind_since or time.monotonic()
        if time.monotonic() - self._behind_since < self._behind_seconds:
            raise SourceUnavailable(f"at revision {revision}, behind {floor}")

    async def advanced(
        self, primary: PrimarySource, current: Catalogue, at_least: int | None = None
    ) -> Catalogue:
        """Return everything that is held at a newer revision."""
        return await _with_loose(primary, await self._anchored_advanced(primary, current, at_least))

    async def joined(
        self, primary: PrimarySource, current: Catalogue, category: str, loaded: Loaded
    ) -> Catalogue:
        """Return what is held, and the category with it, at one revision if the service knows revisions."""
        entry, revision = loaded.entry, loaded.revision
        if revision is None:
            return current.with_entries({category: replace(entry, anchored=False)}, current.revision)
        if current.revision is not None and current.anchored - {category}:
            if revision > current.revision:
                current = await self._anchored_advanced(primary, current, revision)
            if current.revision is not None and revision != current.revision:
                revision = current.revision
                entry = await primary.load_at(category, revision)
        after = current.with_entries({category: replace(entry, anchored=True)}, revision)
        return await _with_loose(primary, after)

    async def _anchored_advanced(
        self, primary: PrimarySource, current: Catalogue, at_least: int | None
    ) -> Catalogue:
        try:
            return await primary.advanced(current, at_least)
        except NotOffered:
            return await self._reloaded(primary, current)

    async def _reloaded(self, primary: PrimarySource, current: Catalogue) -> Catalogue:
        """Load everything anew where the server cannot tell what changed."""
        after = await primary.reloaded(current)
        self.require_no_older(after.revision, current.revision)
        return after


async def with_late(
    primary: PrimarySource, base: Catalogue, after: Catalogue, now: Callable[[], Catalogue]
) -> tuple[Catalogue, Catalogue]:
    """Return `base`, and `after` which was made of it, with what came from below while it was made.

    That is older, or newer, than the revision, and would be seen beside it. Raises the kinds of
    `SourceFailed`.
    """
    while after.revision is not None and (late := _late(base, after, now())):
        base = base.with_entries(late, base.revision)
        after = await _with_loose(primary, after.with_entries(late, after.revision))
    return base, after


def _late(base: Catalogue, after: Catalogue, now: Catalogue) -> dict[str, Entry]:
    return {
        name: entry
        for name, entry in now.entries.items()
        if not entry.anchored and name not in after.anchored and base.entries.get(name) is not entry
    }


async def _with_loose(primary: PrimarySource, after: Catalogue) -> Catalogue:
    """Take also what came from below during an outage to the revision: nothing is to be seen apart."""
    revision = after.revision
    loose = [name for name, entry in after.entries.items() if not entry.anchored]
    if revision is None or not loose:
        return after
    found = await asyncio.gather(*(primary.load_same(name, after.entries[name], revision) for name in loose))
    anchored = {name: entry for name, entry in zip(loose, found, strict=True) if entry is not None}
    return after.with_entries(anchored, revision)

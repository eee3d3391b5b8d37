"""Where the catalogue comes from: the PRIMARY, and GitHub where there is nothing else."""

import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from horde_model_reference.meta_consts import CanonicalFormat
from horde_model_reference.replica.errors import NotOffered, SourceFailed, SourceUnusable
from read_api.replica.copies import Copy, is_same_revision
from read_api.replica.github import GithubFiles
from read_api.replica.primary import Head, Primary, told
from read_api.replica.single_documents import SingleDocuments
from read_api.replica.whole_revisions import WholeRevisions

LOWER_PATIENCE_SECONDS: Final = 300.0
"""So long a PRIMARY may show an older revision than before without being believed: an instance that lags
behind, or that starts from a backup which is completed later, does not take back what was served."""

FIRST_GITHUB_PACE_SECONDS: Final = 15.0
"""While there is nothing to serve, GitHub is tried so often at most: the PRIMARY has to have its turn."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a round brought: the copy as it is now, and why newer data may exist nevertheless.

    It is partial where something that the PRIMARY should have could not be had, a substitute where the
    PRIMARY had nothing to do with it.
    """

    copy: Copy
    problem: str = ""
    is_partial: bool = False
    is_substitute: bool = False


@dataclass(slots=True)
class LowerRevisions:
    """Decides when an older revision is meant seriously."""

    patience_seconds: float = LOWER_PATIENCE_SECONDS
    clock: Callable[[], float] = time.monotonic
    _since: float | None = None

    def accepts(self, present: int, offered: int) -> bool:
        """Whether to take what is offered in place of what is there."""
        if offered >= present:
            self._since = None
            return True
        if self._since is None:
            self._since = self.clock()
        return self.clock() - self._since >= self.patience_seconds


class PrimaryUpstream:
    """A PRIMARY that tells of revisions, or an old one that does not. Everything raises `SourceFailed`."""

    def __init__(
        self,
        primary: Primary,
        whole: WholeRevisions,
        single: SingleDocuments,
        lower: LowerRevisions,
    ) -> None:
        self._primary = primary
        self._whole = whole
        self._single = single
        self._lower = lower
        self._is_known = False  # nothing failed since it was looked at closely
        self._is_old = False
        self._format: CanonicalFormat | None = None

    async def refresh(self, current: Copy | None, told_revision: int) -> Refreshed:
        """Return what the PRIMARY has now. `told_revision` is the newest that the live feed has named."""
        try:
            refreshed = await self._refresh(current, told_revision)
        except SourceFailed:
            self._is_known = self._is_old = False  # it may be another one when it is back
            raise
        if not self._is_known:
            await self._ask_for_format()
        self._is_known = True
        return replace(
            refreshed,
            copy=replace(refreshed.copy, canonical_format=self._format or refreshed.copy.canonical_format),
        )

    async def _refresh(self, current: Copy | None, told_revision: int) -> Refreshed:
        present = current.revision if current and current.follows(self._primary.base_url) else None
        if current is not None and present is not None and told_revision > present:
            return Refreshed(await self._whole.load(current, told_revision))
        head = await self._primary.head()
        if head.revision == 0:
            raise SourceUnusable("there is no catalogue yet")
        if head.revision is None and self._is_old:
            return await self._by_documents(current)
        try:
            return await self._by_revisions(current, present, head)
        except NotOffered:
            self._is_old = True
            return await self._by_documents(current)

    async def _by_revisions(self, current: Copy | None, present: int | None, head: Head) -> Refreshed:
        """Look for a newer revision; raises `NotOffered` where there are none.

        A PRIMARY that is starting does not name its revision either.
        """
        problem = "it cannot see whether anything is newer" if head.stale else ""
        revision = head.revision or 0
        if current is None or present is None:
            return Refreshed(await self._whole.load(None, revision), problem)
        if head.revision is not None and not self._lower.accepts(present, revision):
            return _not_taken(current, revision)
        if revision > present:
            return Refreshed(await self._whole.load(current, revision), problem)
        return await self._not_newer(current, revision, problem)

    async def _not_newer(self, current: Copy, revision: int, problem: str) -> Refreshed:
        """Make sure, once after each absence, that the same number still stands for the same catalogue."""
        if revision == current.revision and (self._is_known or await self._whole.confirms(current)):
            return Refreshed(current, problem)
        found = await self._whole.load(None, revision)
        if is_same_revision(current, found):
            return Refreshed(current, problem)
        if not self._lower.accepts(current.revision, found.revision):
            return _not_taken(current, found.revision)
        if found.revision <= current.revision:
            log.warning("the PRIMARY has another catalogue, of revision %d: it is taken over", found.revision)
        return Refreshed(found, problem)

    async def _by_documents(self, current: Copy | None) -> Refreshed:
        loaded = await self._single.load(current)
        return Refreshed(loaded.copy, "; ".join(loaded.problems), is_partial=bool(loaded.problems))

    async def _ask_for_format(self) -> None:
        with suppress(SourceFailed):  # the next time will do
            self._format = await self._primary.canonical_format()


def _not_taken(current: Copy, revision: int) -> Refreshed:
    return Refreshed(current, f"it shows revision {revision} after {current.revision}")


class Upstream:
    """All sources in their order. GitHub counts only until a PRIMARY has answered once.

    While the PRIMARY is away, GitHub is read again every `github_pace_seconds` at most.
    """

    def __init__(
        self,
        primary: PrimaryUpstream | None,
        github: GithubFiles | None,
        *,
        github_pace_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._github = github
        self._github_pace_seconds = github_pace_seconds
        self._clock = clock
        self._github_asked_at: float | None = None

    async def refresh(self, current: Copy | None, told_revision: int) -> Refreshed:
        """Return the catalogue as it is now. Raises `SourceFailed` when no source has it."""
        if self._primary is None:
            if self._github is None:
                raise SourceUnusable("neither a PRIMARY nor GitHub is configured")
            return Refreshed(await self._github.load(current))
        try:
            refreshed = await self._primary.refresh(current, told_revision)
        except SourceFailed as error:
            found = await self._from_github(current)
            if found is None:
                raise
            return Refreshed(found, told(error), is_substitute=True)
        if refreshed.is_partial and current is None and (base := await self._from_github(None)) is not None:
            return await self._primary.refresh(base, 0)  # what the PRIMARY lacks now, GitHub has
        return refreshed

    async def _from_github(self, current: Copy | None) -> Copy | None:
        """Return what GitHub has, where nothing better was served yet."""
        if self._github is None or (current is not None and current.origin != "github"):
            return None
        now = self._clock()
        age_seconds = math.inf if self._github_asked_at is None else now - self._github_asked_at
        if age_seconds < (FIRST_GITHUB_PACE_SECONDS if current is None else self._github_pace_seconds):
            return current
        self._github_asked_at = now
        try:
            return await self._github.load(current)
        except SourceFailed as error:
            log.warning("GitHub does not help out: %s", error)
            return current

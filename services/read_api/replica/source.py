"""Keeps a replica at the catalogue of its PRIMARY."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

from horde_model_reference.jitter import JITTER
from horde_model_reference.replica.errors import SourceFailed
from read_api.holder import PageHolder
from read_api.replica.copies import Copy
from read_api.replica.disk_copy import DiskCopy
from read_api.replica.primary import told
from read_api.replica.seen_revisions import SeenRevisions
from read_api.replica.upstream import Upstream
from service_kit.errors import ServiceError

MIN_PAUSE_SECONDS: Final = 0.05  # between two rounds, however many events come
MIN_DEMANDED_PAUSE_SECONDS: Final = 1.0  # where only clients ask for something newer
FIRST_RETRY_SECONDS: Final = 0.5
MAX_RETRY_SECONDS: Final = 30.0
MAX_COUNTED_FAILURES: Final = 10
DOUBT_SECONDS: Final = 5.0  # until it is asked again whether a PRIMARY sees what is new
NOT_YET: Final = "the PRIMARY did not answer yet"

OnCopy = Callable[[Copy], None]

log = logging.getLogger(__name__)


def nothing_to_do(_: Copy) -> None:
    """Do nothing."""


class NotInStep(ServiceError):
    """What is served may be outdated. The text is for everybody."""

    status, retryable, expected = 503, True, True


class ReplicaSource:
    """Brings the catalogue at an interval, or at once when told, and hands it to the pages.

    Whatever fails, what is served stays served and `stale` is true. `on_copy` is called with every copy that
    is served from now on. Implements `RevisionSource`.
    """

    def __init__(
        self,
        holder: PageHolder,
        past: SeenRevisions,
        upstream: Upstream,
        disk: DiskCopy,
        *,
        ttl_seconds: float,
        on_copy: OnCopy = nothing_to_do,
    ) -> None:
        self._holder = holder
        self._past = past
        self._upstream = upstream
        self._disk = disk
        self._ttl_seconds = ttl_seconds
        self._on_copy = on_copy
        self._told_revision = 0
        self._nudged = asyncio.Event()
        self._is_wanted = False
        self._looked = asyncio.Condition()
        self._looked_at = 0.0
        self._contact_at: float | None = None
        self._failures = 0
        self._failure: Exception | None = None
        self._reason = ""
        self.knows_revisions = asyncio.Event()
        self._stored: Copy | None = None
        self.copy: Copy | None = None

    @property
    def failure(self) -> Exception | None:
        """Why the last round did not bring everything; None when it did."""
        return self._failure

    @property
    def age_seconds(self) -> float:
        """How long ago a source last answered; infinite before the first time."""
        return float("inf") if self._contact_at is None else time.monotonic() - self._contact_at

    @property
    def stale(self) -> bool:
        """Whether newer data may exist that is not served."""
        if self._failure is not None:
            return True
        return self._contact_at is not None and self.age_seconds > 2 * self._ttl_seconds + MAX_RETRY_SECONDS

    def nudge(self) -> None:
        """Look soon, instead of at the next interval."""
        self._is_wanted = True
        self._nudged.set()

    def note_told(self, revision: int) -> None:
        """Take the revision that the PRIMARY's live feed names: if it is new, it is fetched at once."""
        self._told_revision = max(self._told_revision, revision)
        if self._failure is not None or self._is_news(revision):
            self.nudge()

    async def wait_for_revision(self, revision: int, timeout_seconds: float) -> bool:
        """Return whether the revision is served, waiting for it at most that long."""

        def reached() -> bool:
            return self.copy is not None and self.copy.revision >= revision

        if reached():
            return True
        if self.copy is not None and not self.copy.is_numbered_here:
            self.nudge()
        try:
            async with asyncio.timeout(timeout_seconds), self._looked:
                await self._looked.wait_for(reached)
        except TimeoutError:
            return reached()
        return True

    async def run(self) -> None:
        """Start with what is on disk, and follow the sources until cancelled."""
        await self._round(from_disk=True)
        while True:
            await self._round()
            await self._pause()

    async def close(self) -> None:
        """Leave on disk what was served last. To be called when `run` has ended."""
        if self.copy is not None:
            await self._store(self.copy)

    async def look(self) -> None:
        """Ask the sources once. Raises `SourceFailed`, and what making the pages raises."""
        told_revision, self._told_revision = self._told_revision, 0  # if it cannot be had, not again
        refreshed = await self._upstream.refresh(self.copy, told_revision)
        if refreshed.copy.origin == "primary":
            self.knows_revisions.set()
        else:
            self.knows_revisions.clear()
        self._contact_at = time.monotonic()
        await self._take(refreshed.copy)
        self._note(refreshed.problem)
        self._failures = self._failures + 1 if refreshed.is_substitute else 0

    async def start_from_disk(self) -> None:
        """Serve the copy on disk, until a source confirms or replaces it. Raises what making pages raises."""
        copy = await asyncio.to_thread(self._disk.read)
        if copy is not None:
            log.info("serving revision %d from disk until the PRIMARY answers", copy.revision)
            self._failure, self._reason = NotInStep(NOT_YET), NOT_YET
            self._stored = copy
            await self._take(copy)

    async def _round(self, *, from_disk: bool = False) -> None:
        try:
            await (self.start_from_disk() if from_disk else self.look())
        except SourceFailed as error:
            self._failures += 1
            self._note(told(error), error)
        except Exception as error:  # top of a background loop: the next round may succeed
            self._failures += 1
            if self._reason != repr(error):
                log.exception("the catalogue cannot be taken over")
            self._reason = repr(error)
            self._failure = NotInStep("the PRIMARY is not followed: what it has cannot be taken over")
        self._looked_at = time.monotonic()
        async with self._looked:
            self._looked.notify_all()

    async def _take(self, copy: Copy) -> None:
        """Serve this copy. Raises what making the pages raises; then what is served has not changed."""
        is_other = self.copy is None or copy.content is not self.copy.content
        if is_other and copy.is_numbered_here:
            await self._store(copy)  # first of all: after a crash its number must not be given again
        if is_other:
            await self._holder.publish(copy.content)
        self.copy = copy
        self._on_copy(copy)
        if is_other or self._past.revision != copy.revision:
            await self._past.note(copy.content)
            self._holder.note_state()
        await self._store(copy)

    async def _store(self, copy: Copy) -> None:
        if copy != self._stored:
            await asyncio.to_thread(self._disk.write, copy)
            self._stored = copy

    def _note(self, problem: str, error: SourceFailed | None = None) -> None:
        """Remember how the round went, and log it once for each reason."""
        reason = str(error or problem)
        if reason != self._reason:
            if reason:
                log.warning("the PRIMARY is not followed: %s", reason)
            else:
                log.info("the PRIMARY is followed")
        self._reason = reason
        self._failure = NotInStep(f"the PRIMARY is not followed: {problem}") if problem else None

    async def _pause(self) -> None:
        """Wait for the next round; whatever happens meanwhile can only bring it nearer."""
        longest = self._pause_seconds()
        while True:
            wait_seconds = self._looked_at + min(longest, self._wanted_seconds()) - time.monotonic()
            if wait_seconds <= 0:
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._nudged.wait()
            self._nudged.clear()
        self._is_wanted = False

    def _wanted_seconds(self) -> float:
        """Return how long after the last round the next one is wanted."""
        if self._is_news(self._told_revision) and not self._failures:
            return MIN_PAUSE_SECONDS
        return MIN_DEMANDED_PAUSE_SECONDS if self._is_wanted else float("inf")

    def _is_news(self, revision: int) -> bool:
        return self.copy is None or revision > self.copy.revision

    def _pause_seconds(self) -> float:
        if not self._failures:
            is_cheap = self.copy is not None and self.copy.origin == "primary"
            return min(self._ttl_seconds, DOUBT_SECONDS) if self._failure and is_cheap else self._ttl_seconds
        growing = FIRST_RETRY_SECONDS * 2.0 ** min(self._failures, MAX_COUNTED_FAILURES)
        longest = min(growing, MAX_RETRY_SECONDS, self._ttl_seconds)
        return longest * JITTER.uniform(0.5, 1.0)

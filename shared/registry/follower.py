"""Keeps an instance at the head of the journal, and its content ready to serve."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from registry.blobs import Blobs
from registry.checkpoints import Checkpoints
from registry.content import CatalogueContent
from registry.journal import Journal
from registry.loading import load_content
from registry.long_lived import spare_the_collector
from registry.state import State
from service_kit.errors import StoreUnavailable
from service_kit.log_context import Causes

OnContent = Callable[[CatalogueContent | None], Awaitable[None]]
OnState = Callable[[State], None]

MIN_PAUSE_SECONDS: Final = 0.05  # between two looks, however often it is nudged

log = logging.getLogger(__name__)


class Follower:
    """Looks for new entries at an interval, or at once when nudged, and hands every new catalogue on.

    `on_content` is awaited with each new catalogue (once with None when the journal is empty at the
    start) before its revision counts as reached. While the store cannot be read everything stays as it
    was and `stale` is true.
    """

    def __init__(
        self,
        journal: Journal,
        blobs: Blobs,
        checkpoints: Checkpoints,
        on_content: OnContent,
        *,
        poll_seconds: float = 5.0,
        look_timeout_seconds: float = 30.0,
    ) -> None:
        self._journal = journal
        self._blobs = blobs
        self._checkpoints = checkpoints
        self._on_content = on_content
        self._on_state: OnState | None = None
        self._poll_seconds = poll_seconds
        self._look_timeout_seconds = look_timeout_seconds
        self._nudged = asyncio.Event()
        self._causes = Causes()
        self._looked = asyncio.Condition()
        self._state = State()
        self._last_success: float | None = None
        self._failure: Exception | None = None
        self.content: CatalogueContent | None = None

    @property
    def started(self) -> bool:
        """Whether the journal was read at least once."""
        return self._last_success is not None

    @property
    def state(self) -> State:
        """The state that is being served."""
        return self._state

    @property
    def failure(self) -> Exception | None:
        """Why the last look failed; None when it did not."""
        return self._failure

    @property
    def stale(self) -> bool:
        """Whether newer entries may exist that this instance cannot see."""
        if self._failure is not None:
            return True
        return self._last_success is not None and self.age_seconds > 2 * self._poll_seconds

    @property
    def age_seconds(self) -> float:
        """How long ago the head was last seen; infinite before the first time."""
        return float("inf") if self._last_success is None else time.monotonic() - self._last_success

    def on_state(self, callback: OnState) -> None:
        """Have this called whenever `state` has become another one, at the first look in any case."""
        self._on_state = callback

    def nudge(self) -> None:
        """Look for new entries now instead of at the next interval."""
        self._causes.note()
        self._nudged.set()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                with self._causes.acting():
                    await self.look()
            except Exception as error:  # noqa: BLE001 - top of a background loop: the next look may succeed
                self._report(error)
            async with self._looked:
                self._looked.notify_all()
            await self._pause()

    async def look(self) -> None:
        """Catch up once.

        Raises what the journal, the blobs or `on_content` raise; then nothing has changed.
        """
        first = self._last_success is None
        state, content = await self._read(first=first)
        if first or content is not self.content:
            await self._on_content(content)  # without a deadline: given up, it would only begin anew
            self.content = content
            _log_reached(state)
        is_new = first or state.sequence != self._state.sequence
        spare_the_collector(self._state.sequence, state.sequence)
        self._state = state
        self._last_success = time.monotonic()
        if self._failure is not None:
            log.info("the journal is followed again")
        self._failure = None
        if is_new and self._on_state is not None:
            self._on_state(state)

    async def _read(self, *, first: bool) -> tuple[State, CatalogueContent | None]:
        silence = asyncio.timeout(self._look_timeout_seconds)

        def heard() -> None:
            silence.reschedule(asyncio.get_running_loop().time() + self._look_timeout_seconds)

        try:
            async with silence:
                if first:
                    known = await self._checkpoints.newest()
                    state = await self._journal.require_whole(known, on_progress=heard)
                else:
                    state = await self._journal.catch_up(self._state, on_progress=heard)
                if not first and state.catalogue_sequence == self._state.catalogue_sequence:
                    return state, self.content
                return state, await load_content(self._blobs, state, self.content)
        except TimeoutError as error:
            raise StoreUnavailable(
                f"the object store did not answer within {self._look_timeout_seconds:g} s"
            ) from error

    async def wait_for_revision(self, revision: int, timeout_seconds: float) -> bool:
        """Return whether the revision is served, waiting for it at most that long."""

        def reached() -> bool:
            return self._state.revision >= revision

        if reached():
            return True
        self.nudge()
        try:
            async with asyncio.timeout(timeout_seconds), self._looked:
                await self._looked.wait_for(reached)
        except TimeoutError:
            return reached()
        return True

    def _report(self, error: Exception) -> None:
        if repr(self._failure) != repr(error):  # once for each reason, not at every look
            log.error("the journal cannot be followed: %s", error, exc_info=error)
        self._failure = error

    async def _pause(self) -> None:
        paused = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds):
                await self._nudged.wait()
        self._nudged.clear()
        await asyncio.sleep(max(0.0, MIN_PAUSE_SECONDS - (time.monotonic() - paused)))


def _log_reached(state: State) -> None:
    fields = {"revision": state.revision, "sequence": state.sequence}
    log.info("revision %d is here", state.revision, extra={"fields": fields})

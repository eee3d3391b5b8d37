"""The state of a process that writes: at the head whenever it is asked for, and appended to."""

import asyncio
import contextlib

from registry.checkpoints import INTERVAL, Checkpoints
from registry.journal import Decide, Journal
from registry.long_lived import spare_the_collector
from registry.state import State


class Writer:
    """Reads on to the head before every answer, so that what one instance answered is visible on every other.

    Requests that come at the same time share one reading. Close it with `aclose`.
    """

    def __init__(self, journal: Journal, checkpoints: Checkpoints) -> None:
        self.journal = journal
        self._checkpoints = checkpoints
        self._state: State | None = None
        self._running: asyncio.Task[State] | None = None
        self._queued: asyncio.Task[State] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._appending = asyncio.Lock()

    @property
    def known(self) -> State | None:
        """The newest state that was seen; None before the first reading."""
        return self._state

    async def current(self) -> State:
        """Return a state with everything that was committed before this call.

        Raises `JournalError`, `StoreUnavailable`.
        """
        if self._queued is None:
            self._queued = asyncio.create_task(self._read_after(self._running))
            self._queued.add_done_callback(_retrieve)
        return await asyncio.shield(self._queued)

    async def append(self, decide: Decide) -> State:
        """Append what `decide` makes of the newest state, and return the state after it.

        Raises what `Journal.append` raises.
        """
        async with self._appending:  # each begins with what the one before it made, and reads nothing twice
            known = self._state or await self.current()
            after = await self.journal.append(known, decide)
            if self._advance(after):
                self._keep_checkpoint(after)
        return after

    async def aclose(self) -> None:
        """Give up what is still being read, and finish a checkpoint that is being written."""
        for task in (self._running, self._queued):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._keeping is not None:
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def _read_after(self, running: "asyncio.Task[State] | None") -> State:
        """Read on, but begin only when the running reading, which began too early for us, has ended."""
        if running is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        self._running, self._queued = self._queued, None
        try:
            if self._state is None:
                state = await self.journal.require_whole(await self._checkpoints.newest())
            else:
                state = await self.journal.catch_up(self._state)
        finally:
            self._running = None
        self._advance(state)
        return self._state or state

    def _advance(self, state: State) -> bool:
        known = 0 if self._state is None else self._state.sequence
        if self._state is not None and state.sequence <= known:
            return False
        self._state = state
        spare_the_collector(known, state.sequence)
        return True

    def _keep_checkpoint(self, state: State) -> None:
        if state.sequence % INTERVAL == 0 and (self._keeping is None or self._keeping.done()):
            self._keeping = asyncio.create_task(self._checkpoints.keep(state))


def _retrieve(task: "asyncio.Task[State]") -> None:
    """Take a failure that nobody waits for any more; it is no event of its own."""
    if not task.cancelled():
        task.exception()

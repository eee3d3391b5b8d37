"""How many requests may compute something at once."""

import asyncio
from types import TracebackType
from typing import Final

from service_kit.errors import ServiceError

RUNNING: Final = 8
WAITING: Final = 64


class Busy(ServiceError):
    """Too many requests of this kind wait already."""

    status, retryable, expected = 503, True, True


class Admission:
    """Lets a few in at once and some wait; beyond, `Busy` is raised. To be used with `async with`."""

    def __init__(self, *, running: int = RUNNING, waiting: int = WAITING) -> None:
        self._running = asyncio.Semaphore(running)
        self._free = running + waiting

    async def __aenter__(self) -> None:
        """Wait to be let in. Raises `Busy`."""
        if self._free == 0:
            raise Busy("too many requests for former revisions at once; try again")
        self._free -= 1
        try:
            await self._running.acquire()
        except asyncio.CancelledError:
            self._free += 1
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one in."""
        self._running.release()
        self._free += 1

"""Keeps at hand how the AI-Horde is doing, as the stats service tells it (http-read-api.md section 2)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from aiohttp import web

from read_api.holder import PageHolder
from service_kit.ai_horde_state import HordeState, read_horde_state
from service_kit.background import running

LOOK_SECONDS: Final = 2.0


class HordeWatch:
    """Looks at an interval into the holder's cache, so that no request has to.

    `running` has to be entered with the application, after the holder was given its cache.
    """

    def __init__(self, holder: PageHolder, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._holder = holder
        self._look_seconds = look_seconds
        self.state = HordeState()

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """Look while the application lives."""
        async with running(self._run()):
            yield

    async def look(self) -> None:
        """Look once. Nobody to ask, and nothing told, mean that nothing bad is known."""
        cache = self._holder.cache
        told = None if cache is None else await read_horde_state(cache)
        self.state = told or HordeState()

    async def _run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._look_seconds)


def heartbeat_of(state: HordeState, now: float) -> dict[str, Any]:
    """Return the body of `/heartbeat` at `now`, in Unix seconds."""
    left = (state.seconds_until_retry(now) if state.degraded else None) or None  # 0: the time is up
    return {
        "status": "ok",
        "ai_horde": {
            "degraded": state.degraded,
            "consecutive_failures": state.consecutive_failures,
            "seconds_until_retry": None if left is None else round(left, 1),
        },
    }

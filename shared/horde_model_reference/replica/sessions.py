"""The HTTP sessions of a process, one for each event loop."""

import asyncio
from typing import Final
from urllib.request import getproxies_environment

from aiohttp import ClientSession, DummyCookieJar

from horde_model_reference.replica.loop_thread import shared_loop_thread

HEADERS: Final = {"Accept-Encoding": "gzip"}


class Sessions:
    """Opens a session when one is first asked for on a loop; on the shared thread it is closed at its end.

    Sessions on loops that are closed, or that belong to the parent of a forked process, are forgotten.
    """

    def __init__(self) -> None:
        self._of_loops: dict[asyncio.AbstractEventLoop, ClientSession] = {}

    async def current(self) -> ClientSession:
        """Return the session of the running loop."""
        await self._forget_closed_loops()
        loop = asyncio.get_running_loop()
        session = self._of_loops.get(loop)
        if session is None or session.closed:
            self._of_loops[loop] = session = _opened()
            shared = shared_loop_thread()
            if shared.is_current():
                shared.add_closer(self.close)
        return session

    async def close(self) -> None:
        """Close the session of the running loop. Another one is opened when it is asked for."""
        shared_loop_thread().remove_closer(self.close)
        await self._forget_closed_loops()
        session = self._of_loops.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._of_loops if loop.is_closed()]:
            await self._of_loops.pop(loop).close()


def _opened() -> ClientSession:
    """Open a session. Looking for proxies costs each request something, so only where there are any."""
    proxies = getproxies_environment()
    return ClientSession(headers=HEADERS, cookie_jar=DummyCookieJar(), trust_env=bool(proxies))

"""An application of the tests on a thread of its own, for tests that block, reachable from containers too."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from aiohttp import web
from aiohttp.test_utils import TestServer

START_SECONDS = 60.0


@contextlib.contextmanager
def server_in_thread(application: web.Application, *, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve in another thread; yields the port."""
    loop = asyncio.new_event_loop()
    started, stop = threading.Event(), asyncio.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with TestServer(application, host=host) as server:
            assert server.port is not None
            ports.append(server.port)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(START_SECONDS)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()

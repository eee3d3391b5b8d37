"""A scripted PRIMARY on a thread of its own, for programs that block."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from support.scripted_primary import ScriptedPrimary


@contextlib.contextmanager
def primary_in_thread(primary: ScriptedPrimary) -> Iterator[asyncio.AbstractEventLoop]:
    """Serve in another thread; yields its loop, on which `commit` and the like have to be called."""
    loop = asyncio.new_event_loop()
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with primary.running():
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield loop
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()

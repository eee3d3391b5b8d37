"""Work that goes on beside something else, and ends with it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

OnEnd = Callable[[asyncio.Task[None]], None]


@contextlib.asynccontextmanager
async def running(*work: Coroutine[Any, Any, None], on_end: OnEnd | None = None) -> AsyncIterator[None]:
    """Do this until the end of the context; what it is at then is broken off. `on_end` is told of each."""
    tasks = [asyncio.create_task(one) for one in work]
    for task in tasks:
        if on_end is not None:
            task.add_done_callback(on_end)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def said_loudly(log: logging.Logger, text: str) -> OnEnd:
    """Return what logs, after the text, why work ended for a reason that nobody thought of."""

    def say(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("%s: %s", text, error, exc_info=error)

    return say

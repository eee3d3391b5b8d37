"""Measures how late the event loop is: what blocks it delays every request."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from prometheus_client import Histogram

INTERVAL_SECONDS: Final = 0.5


@contextlib.asynccontextmanager
async def measuring_loop_lag(
    lag: Histogram, *, interval_seconds: float = INTERVAL_SECONDS
) -> AsyncIterator[None]:
    """Observe, twice a second until the end of the context, how much too late a timer fires."""
    loop = asyncio.get_running_loop()

    async def measure() -> None:
        while True:
            due = loop.time() + interval_seconds
            await asyncio.sleep(interval_seconds)
            lag.observe(max(0.0, loop.time() - due))

    measuring = asyncio.create_task(measure(), name="event loop lag")
    try:
        yield
    finally:
        measuring.cancel()
        await asyncio.gather(measuring, return_exceptions=True)

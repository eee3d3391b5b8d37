"""Serves an application on a free port of loopback the way a service does."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from service_kit.runner import base_url, bind, start_listening
from service_kit.settings import HttpSettings

LOOPBACK = "127.0.0.1"


@contextlib.asynccontextmanager
async def serving(
    application: web.Application, settings: HttpSettings | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a client whose base address is the application's."""
    runner = web.AppRunner(application, shutdown_timeout=1)
    try:
        await runner.setup()
        with bind(LOOPBACK, 0) as listener:
            await start_listening(runner, listener, settings or HttpSettings(port=0))
            address = base_url(LOOPBACK, listener.getsockname()[1])
            async with aiohttp.ClientSession(address, auto_decompress=False) as client:
                yield client
    finally:
        await runner.cleanup()

"""Serves an application on a free port of loopback the way a service does."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from service_kit.runner import bind, start_listening
from service_kit.settings import HttpSettings

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the body as it was sent, never unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks a server; redirects are not followed unless asked for."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self.session = session
        self.port = port

    async def ask(self, path: str, method: str = "GET", **options: Any) -> Answer:
        url = URL(f"http://{LOOPBACK}:{self.port}{path}", encoded=True)
        async with self.session.request(method, url, **{"allow_redirects": False, **options}) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def send(self, request: bytes, *, pause_seconds: float = 0) -> bytes:
        """Send bytes as they are and return everything until the server closes the connection.

        Nothing is read for `pause_seconds`, beyond what the system takes by itself.
        """
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port, limit=1024)
        writer.write(request)
        try:
            await asyncio.sleep(pause_seconds)
            return await reader.read()
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def serving(application: web.Application, *, shutdown_seconds: float = 1.0) -> AsyncIterator[Client]:
    """Yield a client of the application; at the end its answers may take so long."""
    runner = web.AppRunner(application, shutdown_timeout=shutdown_seconds)
    with bind(LOOPBACK, 0) as listener:
        try:
            await runner.setup()
            await start_listening(runner, listener, HttpSettings())
            async with aiohttp.ClientSession(auto_decompress=False) as session:
                yield Client(session, listener.getsockname()[1])
        finally:
            await runner.cleanup()

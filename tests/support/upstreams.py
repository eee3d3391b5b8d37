"""Small HTTP servers that stand behind the gateway in its tests, and remember what reached them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from support.restartable import RestartableServer


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    method: str
    raw_path: str
    headers: CIMultiDictProxy[str]
    body: bytes


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Upstream(RestartableServer):
    """One server: `answer` may be replaced while it runs; `name` is in every default answer."""

    def __init__(self, name: str, answer: Answer | None = None) -> None:
        super().__init__()
        self.name = name
        self.status = 200
        self.body = b'{"from":"an upstream"}'
        self.headers = CIMultiDict[str]()
        self.answer = answer
        self.hang = False
        self.seen: list[Seen] = []

    @property
    def paths(self) -> list[str]:
        return [request.raw_path for request in self.seen]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.Request)
        self.seen.append(Seen(request.method, request.raw_path, request.headers, await request.read()))
        if self.hang:
            await asyncio.Event().wait()
        if self.answer is not None:
            return await self.answer(request)
        headers = CIMultiDict({"Content-Type": "application/json", "X-From": self.name, **self.headers})
        return web.Response(status=self.status, body=self.body, headers=headers)


@contextlib.asynccontextmanager
async def upstreams(*names: str) -> AsyncIterator[list[Upstream]]:
    """Yield running servers, one for each name."""
    servers = [Upstream(name) for name in names]
    try:
        for server in servers:
            await server.start()
        yield servers
    finally:
        for server in servers:
            await server.stop()

"""Small HTTP servers that stand behind the gateway in its tests, and remember what reached them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    method: str
    raw_path: str
    headers: CIMultiDictProxy[str]
    body: bytes


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Upstream:
    """One server: `answer` may be replaced while it runs; `name` is in every default answer."""

    name: str
    port: int = 0
    status: int = 200
    body: bytes = b'{"from":"an upstream"}'
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    answer: Answer | None = None
    hang: bool = False
    seen: list[Seen] = field(default_factory=list)
    runner: web.AppRunner | None = None

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

    async def start(self) -> None:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self.handle)
        self.runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True).start()
        address = self.runner.addresses[0]
        self.port = address[1]

    async def stop(self) -> None:
        """Refuse connections from now on; the port stays ours to start on again."""
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None


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

"""A server between a client and another server, that changes some answers."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from support.serving import LOOPBACK

Change = Callable[[int, bytes], tuple[int, bytes]]
PASSED_ON = ("ETag", "X-Revision", "X-Stale", "Content-Type")
REQUEST_HEADERS = ("If-None-Match", "X-Min-Revision")


class Meddler:
    """`changes` holds what becomes of status and body by the beginning of the path below `/api`.

    `outdated` adds `X-Stale` to everything. Event streams are passed on as they come, unless they are
    meddled with. `asked` counts whole paths.
    """

    def __init__(self, session: aiohttp.ClientSession, upstream_port: int) -> None:
        self._session = session
        self._root = f"http://{LOOPBACK}:{upstream_port}"
        self.changes: dict[str, Change] = {}
        self.asked: Counter[str] = Counter()
        self.outdated = False
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.removeprefix("/api")
        self.asked[path] += 1
        headers = {name: request.headers[name] for name in REQUEST_HEADERS if name in request.headers}
        change = next((one for start, one in self.changes.items() if path.startswith(start)), None)
        async with self._session.get(f"{self._root}/api{path}", headers=headers) as answer:
            kept = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
            if self.outdated:
                kept["X-Stale"] = "true"
            if answer.content_type == "text/event-stream" and change is None:
                return await self._pass_on(request, answer, kept)
            body = b"" if answer.content_type == "text/event-stream" else await answer.read()
        status, body = (answer.status, body) if change is None else change(answer.status, body)
        return web.Response(status=status, body=body, headers=kept)

    async def _pass_on(
        self, request: web.Request, answer: aiohttp.ClientResponse, headers: dict[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            async for piece in answer.content.iter_any():
                await response.write(piece)
        return response


def always(status: int, body: bytes = b"{}") -> Change:
    """Return what answers the same to everybody."""
    return lambda _status, _body: (status, body)


@contextlib.asynccontextmanager
async def meddling(upstream_port: int) -> AsyncIterator[Meddler]:
    """Run one in front of a server."""
    async with aiohttp.ClientSession() as session:
        meddler = Meddler(session, upstream_port)
        application = web.Application()
        application.router.add_get("/{path:.*}", meddler.handle)
        async with TestServer(application) as server:
            meddler.url = str(server.make_url("/api"))
            yield meddler
            await asyncio.sleep(0)

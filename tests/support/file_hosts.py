"""A server of big files, with ranges, that does something wrong when it is told to."""

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from support.upstreams import Answer, Seen, Upstream, upstreams


def a_body(size: int, seed: bytes = b"") -> bytes:
    """Return bytes that differ everywhere, always the same for a size and a seed."""
    return hashlib.shake_128(seed + size.to_bytes(8, "little")).digest(size)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass(slots=True)
class FileHost:
    """`troubles` are answers for the next requests, None for a good one; then all are good."""

    upstream: Upstream
    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    with_ranges: bool = True
    troubles: deque[Answer | None] = field(default_factory=deque)

    def url(self, path: str = "/file") -> str:
        return f"http://127.0.0.1:{self.upstream.port}{path}"

    def put(self, body: bytes, path: str = "/file") -> str:
        """Have a file under the path and return its URL."""
        self.files[path] = body
        return self.url(path)

    @property
    def seen(self) -> list[Seen]:
        return self.upstream.seen

    @property
    def ranges(self) -> list[str | None]:
        """What parts were asked for, request by request."""
        return [request.headers.get("Range") for request in self.seen]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        trouble = self.troubles.popleft() if self.troubles else None
        return await (trouble or self.send)(request)

    async def send(self, request: web.Request, *, cut_after: int | None = None) -> web.StreamResponse:
        """Answer as a good server does; or announce everything and hang up after so many bytes."""
        body = self.files.get(request.path)
        if body is None:
            return web.Response(status=404)
        status, headers, part = self.part(request, body)
        if cut_after is None or status == 416:
            return web.Response(status=status, headers=headers, body=part)
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(part)
        await response.prepare(request)
        await response.write(part[:cut_after])
        assert request.transport is not None
        request.transport.close()
        return response

    def part(self, request: web.Request, body: bytes) -> tuple[int, dict[str, str], bytes]:
        etag = self.etags.get(request.path)
        headers = {} if etag is None else {"ETag": etag}
        wanted = request.headers.get("Range") if self.with_ranges else None
        if wanted is None or request.headers.get("If-Range", etag) != etag:
            return 200, headers, body
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last or len(body)) + 1, len(body))
        if begin >= len(body):
            return 416, {"Content-Range": f"bytes */{len(body)}"}, b""
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(body)}"
        return 206, headers, body[begin:end]

    def cutting(self, size: int) -> Answer:
        """Return an answer that breaks off after so many bytes."""

        async def cut(request: web.Request) -> web.StreamResponse:
            return await self.send(request, cut_after=size)

        return cut


def refusing(status: int, **headers: str) -> Answer:
    """Return an answer without content."""

    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return refuse


@contextlib.asynccontextmanager
async def file_host() -> AsyncIterator[FileHost]:
    """Yield a running server without files."""
    async with upstreams("files") as (upstream,):
        host = FileHost(upstream)
        upstream.answer = host.answer
        yield host


async def until_size(path: Path, size: int) -> int:
    """Wait until the file has at least this size, and return it."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(FileNotFoundError):
                if (found := (await asyncio.to_thread(path.stat)).st_size) >= size:
                    return found
            await asyncio.sleep(0.01)

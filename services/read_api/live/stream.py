"""The answer that stays open and tells of new revisions."""

import asyncio
import random
import socket
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter

from read_api.domain.live_events import retry_line
from read_api.live.feed import LiveFeed
from read_api.live.listeners import Listener

CATCH_UP_SECONDS: Final = 30.0  # for taking what was missed
PIECE_BYTES: Final = 16 * 1024
RETRY_MILLISECONDS: Final = (2000, 6000)  # apart, so that not all come back at once
KERNEL_BUFFER_BYTES: Final = 32 * 1024  # else Linux takes up to 4 MB for each slow reader
HEADERS: Final = {
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store",
    "X-Accel-Buffering": "no",  # a gateway that collects the answer would hold the events back
}


class EventStream(web.StreamResponse):
    """Tells first what the client has missed, then joins the listeners of the feed until it is over.

    All of that happens where other answers send their body: the outermost layer has added its headers by
    then, and nothing of what handled the request is kept alive.
    """

    def __init__(self, feed: LiveFeed, since: int | None) -> None:
        super().__init__(headers=HEADERS)
        self._feed = feed
        self._since = since
        self._sent_bytes = 0
        self.force_close()

    @property
    def body_length(self) -> int:
        """Bytes sent."""
        return super().body_length + self._sent_bytes

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Begin the answer."""
        if request.version >= HttpVersion11:
            self.enable_chunked_encoding()
        return await super().prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        """Stream until the client is gone, is cut off, or the application stops."""
        transport = self._req.transport if self._req is not None else None
        if transport is None or self._must_be_empty_body:
            await super().write_eof(data)
            return
        _limit_kernel_buffer(transport)
        self._feed.streams += 1
        try:
            await self._stream(transport)
        finally:
            self._feed.streams -= 1
        if not transport.is_closing():
            await super().write_eof()

    async def _stream(self, transport: asyncio.Transport) -> None:
        start, welcome = self._feed.welcome(self._since)
        listener = Listener(transport, chunked=bool(self.chunked), revision=start)
        await self.write(retry_line(random.randint(*RETRY_MILLISECONDS)) + welcome)  # noqa: S311 - jitter
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await self._catch_up(listener)
        except TimeoutError:
            self._feed.listeners.cut(listener)
            return
        if self._feed.ending:
            return
        self._feed.listeners.join(listener)
        try:
            await listener.ended
        finally:
            self._feed.listeners.leave(listener)
            self._sent_bytes = listener.sent_bytes

    async def _catch_up(self, listener: Listener) -> None:
        """Write what was missed. When this returns nothing is missing: no pause follows the last look."""
        while waiting := _some(self._feed, listener):
            await self.write(waiting)
            if self._payload_writer is not None:
                await self._payload_writer.drain()
            await asyncio.sleep(0)  # the others have their turn


def _some(feed: LiveFeed, listener: Listener) -> bytes:
    events: list[bytes] = []
    size = 0
    for event in feed.missed(listener):
        events.append(event)
        size += len(event)
        if size >= PIECE_BYTES:
            break
    return b"".join(events)


def _limit_kernel_buffer(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)

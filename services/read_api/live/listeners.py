"""The connections that are told of new revisions, and what is written to them."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Final

from read_api.domain.live_events import HEARTBEAT, Piece

WRITES_IN_A_ROW: Final = 200  # about 2 ms; then other requests have their turn
MAX_MISSED_HEARTBEATS: Final = 3


class Listener:
    """One connection. `revision` is the last one that it was told, `ended` is set when it is over."""

    __slots__ = ("chunked", "ended", "missed_heartbeats", "revision", "sent_bytes", "spoken_at", "transport")

    def __init__(self, transport: asyncio.WriteTransport, *, chunked: bool, revision: int) -> None:
        self.transport = transport
        self.chunked = chunked
        self.revision = revision
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.missed_heartbeats = 0
        self.spoken_at = 0.0
        self.sent_bytes = 0

    def end(self) -> None:
        """Let whoever waits for the end go on."""
        if not self.ended.done():
            self.ended.set_result(None)


class Listeners:
    """Writes the same bytes to all connections, straight to their transports.

    No task runs for a connection meanwhile. What a slow reader does not take is buffered up to
    `max_buffered_bytes`; one that needs more, or takes nothing for three heartbeats, is cut off.
    """

    def __init__(self, *, max_buffered_bytes: int, heartbeat_seconds: float) -> None:
        self._max_buffered_bytes = max_buffered_bytes
        self._heartbeat_seconds = heartbeat_seconds
        self._joined: set[Listener] = set()
        self.cut_off = 0

    def __len__(self) -> int:
        return len(self._joined)

    def join(self, listener: Listener) -> None:
        """Take a connection in, whose last bytes were written just now."""
        listener.spoken_at = asyncio.get_running_loop().time()
        self._joined.add(listener)

    def leave(self, listener: Listener) -> None:
        """Let a connection go; one that is gone already may be named again."""
        self._joined.discard(listener)
        listener.end()

    def end_all(self) -> None:
        """Let every connection go."""
        for listener in list(self._joined):
            self.leave(listener)

    async def tell(self, revision: int, event: Piece) -> None:
        """Write the event of a revision to all that do not know it yet."""
        now = asyncio.get_running_loop().time()
        for row in _rows(list(self._joined)):
            for listener in row:
                if listener.revision < revision and listener in self._joined:
                    listener.revision = revision
                    self._write(listener, event, now)
            await asyncio.sleep(0)

    async def beat(self) -> None:
        """Write a heartbeat where nothing was written for long, and let go whoever is gone."""
        now = asyncio.get_running_loop().time()
        silent_since = now - self._heartbeat_seconds
        for row in _rows(list(self._joined)):
            for listener in row:
                if listener.transport.is_closing():
                    self.leave(listener)
                elif listener.spoken_at <= silent_since:
                    self._beat(listener, now)
            await asyncio.sleep(0)

    def cut(self, listener: Listener) -> None:
        """End a connection that takes too little; what waits for it is thrown away."""
        self.cut_off += 1
        listener.transport.abort()
        self.leave(listener)

    def _beat(self, listener: Listener, now: float) -> None:
        if listener.transport.get_write_buffer_size() == 0:
            listener.missed_heartbeats = 0
            self._write(listener, HEARTBEAT, now)
            return
        listener.spoken_at = now
        listener.missed_heartbeats += 1
        if listener.missed_heartbeats >= MAX_MISSED_HEARTBEATS:
            self.cut(listener)

    def _write(self, listener: Listener, part: Piece, now: float) -> None:
        transport = listener.transport
        if transport.is_closing():
            self.leave(listener)
            return
        framed = part.framed(chunked=listener.chunked)
        if transport.get_write_buffer_size() + len(framed) > self._max_buffered_bytes:
            self.cut(listener)
            return
        transport.write(framed)
        listener.spoken_at = now
        listener.sent_bytes += len(framed)


def _rows(listeners: list[Listener]) -> Iterator[list[Listener]]:
    remaining = iter(listeners)
    while row := list(islice(remaining, WRITES_IN_A_ROW)):
        yield row

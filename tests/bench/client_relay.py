"""A relay between a client and a server that counts every byte."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

LOOPBACK: Final = "127.0.0.1"
PIECE_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Passed:
    """What went through so far; `sent` by the client, `received` by it. Headers are part of it."""

    sent: int
    received: int
    connections: int

    @property
    def total(self) -> int:
        return self.sent + self.received

    def since(self, before: "Passed") -> "Passed":
        """Return what went through after an earlier moment."""
        return Passed(
            self.sent - before.sent, self.received - before.received, self.connections - before.connections
        )


class CountingRelay:
    """Passes everything on to a port of this machine."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._sent = self._received = self._connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        """The API through the relay."""
        return f"http://{LOOPBACK}:{self.port}/api"

    def passed(self) -> Passed:
        """Return what went through so far."""
        return Passed(self._sent, self._received, self._connections)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until both sides have ended it."""
        self._connections += 1
        with contextlib.closing(writer), contextlib.suppress(OSError):
            there, back = await asyncio.open_connection(LOOPBACK, self._upstream_port)
            with contextlib.closing(back):
                await asyncio.gather(self._requests(reader, back), self._answers(there, writer))

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE_BYTES):
            self._sent += len(piece)
            writer.write(piece)
        writer.close()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE_BYTES):
            self._received += len(piece)
            writer.write(piece)
        writer.close()


@contextlib.asynccontextmanager
async def counting(upstream_port: int) -> AsyncIterator[CountingRelay]:
    """Run a relay to a port."""
    relay = CountingRelay(upstream_port)
    server = await asyncio.start_server(relay.serve, LOOPBACK, 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()

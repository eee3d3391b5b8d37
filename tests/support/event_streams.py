"""A listener to the live feed that looks at every byte."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from support.serving import LOOPBACK

EVENTS = "/api/model_references/v2/events"
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the stream."""

    name: str
    id: int
    data: Any


class EventStream:
    """An open stream. `comments` are what was only written to keep it alive."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.headers: Mapping[str, str] = {
            name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if line)
        }
        self.reader = reader
        self.writer = writer
        self.comments: list[str] = []
        self.retry_milliseconds: int | None = None
        self._chunked = self.headers.get("transfer-encoding") == "chunked"
        self._text = b""

    async def next(self) -> Event | None:
        """Return the next event; None at the end of the stream."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                block, found, rest = self._text.partition(b"\n\n")
                if not found:
                    more = await self.read()
                    if not more:
                        return None
                    self._text += more
                    continue
                self._text = rest
                event = self._parse(block.decode())
                if event is not None:
                    return event

    async def read(self) -> bytes:
        """Return some bytes of the body; none at its end."""
        if not self._chunked:
            return await self.reader.read(65536)
        size = int(await self.reader.readline(), 16)
        body = await self.reader.readexactly(size)
        assert await self.reader.readexactly(2) == b"\r\n"
        return body

    def _parse(self, block: str) -> Event | None:
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            else:
                self.comments.append(value)
        if "retry" in fields:
            self.retry_milliseconds = int(fields["retry"])
        if "data" not in fields:
            return None
        return Event(fields["event"], int(fields["id"]), json.loads(fields["data"]))


@contextlib.asynccontextmanager
async def listening(
    port: int, path: str = EVENTS, *, version: str = "1.1", method: str = "GET", **headers: str
) -> AsyncIterator[EventStream]:
    """Open a stream; underscores in the names of headers stand for hyphens."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        yield EventStream(reader, writer, head)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

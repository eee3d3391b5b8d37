"""HTTP/1.1 on kept connections, as cheap as it can be: the load is not to be the bottleneck."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MOST_HEADER_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ConnectionGone(OSError):
    """The connection ended before a byte of the answer: a kept one that the server had closed."""


class Connection:
    """One kept-alive connection; `is_used` once it has carried an answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.is_used = False
        self.is_usable = True

    async def ask(self, request: bytes) -> Answer:
        """Send a request and read the whole answer. Raises `OSError`, `EOFError`, `ValueError`."""
        self._writer.write(request)
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            if getattr(error, "partial", b""):
                raise
            raise ConnectionGone(str(error)) from error
        status, headers = parse_head(head)
        self.is_usable = headers.get("connection", "").lower() != "close"
        body = b"" if status == 304 else await self._body(headers)
        self.is_used = True
        return Answer(status, headers, body)

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if (length := headers.get("content-length")) is not None:
            return await self._reader.readexactly(int(length))
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await self._chunks()
        self.is_usable = False
        return await self._reader.read()

    async def _chunks(self) -> bytes:
        pieces = []
        while size := int(await self._reader.readline(), 16):
            pieces.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return b"".join(pieces)

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(OSError):
            self._writer.close()


class Connections:
    """Kept connections to one server, the last used first."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._idle: list[Connection] = []
        self.opened = 0
        self.replaced = 0  # kept connections that the server had closed

    async def ask(self, request: bytes) -> Answer:
        """Send a read; on a new connection again if a kept one turns out to be closed."""
        connection = self._idle.pop() if self._idle else await self._open()
        was_used = connection.is_used
        try:
            answer = await self._ask(connection, request)
        except ConnectionGone:
            if not was_used:
                raise
            self.replaced += 1
            connection = await self._open()
            answer = await self._ask(connection, request)
        if connection.is_usable:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    async def _ask(self, connection: Connection, request: bytes) -> Answer:
        try:
            return await connection.ask(request)
        except BaseException:
            connection.close()
            raise

    async def _open(self) -> Connection:
        self.opened += 1
        return Connection(*await asyncio.open_connection(*self._address, limit=MOST_HEADER_BYTES))

    def close(self) -> None:
        """End all connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return status and headers of the head of an answer. Raises `ValueError`."""
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(lines[0].split(" ", 2)[1]), headers


def request_head(host: str, path: str, headers: Mapping[str, str]) -> bytes:
    """Return the bytes of a GET."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()

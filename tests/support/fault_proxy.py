"""A TCP proxy that misbehaves on purpose, between a client and a real server."""

import asyncio
import contextlib
import socket
import struct
from types import TracebackType
from typing import Literal, Self

How = Literal["reset", "close", "silence"]


class FaultProxy:
    """Listens on `port` and passes everything on to `upstream`, except:

    - `delay_seconds` is added to each piece, in each direction;
    - `lose_answers(n, how)`: the next n final answers are dropped AFTER the server gave them, and the
      connection is reset, closed in order, or left open in silence;
    - `cut_answers_after(size)`: connections are reset after so many bytes of answers;
    - `blackhole()`: connections stay open, nothing passes;
    - `refuse()`: existing and new connections are reset;
    - `heal()` ends all of that.
    """

    def __init__(self, host: str, upstream_port: int) -> None:
        self.upstream = (host, upstream_port)
        self.port = 0
        self.lost = 0  # answers dropped so far
        self.accepted = 0  # connections so far
        self._open = asyncio.Event()
        self._live: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.heal()

    def heal(self) -> None:
        self.delay_seconds = 0.0
        self._to_lose = 0
        self._how: How = "reset"
        self._cut_after_bytes: int | None = None
        self._refusing = False
        self._open.set()

    def lose_answers(self, count: int = 1, how: How = "reset") -> None:
        self._to_lose, self._how = count, how

    def cut_answers_after(self, size_bytes: int) -> None:
        self._cut_after_bytes = size_bytes

    def blackhole(self) -> None:
        self._open.clear()

    def refuse(self) -> None:
        self._refusing = True
        for writer in list(self._live):
            reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            reset(writer)
            self._tasks.discard(task)
            return
        sides = {writer, upstream_writer}
        self._live |= sides
        try:
            await asyncio.gather(
                self._pass_requests(reader, upstream_writer), self._pass_answers(upstream_reader, writer)
            )
        except asyncio.CancelledError:
            pass  # only __aexit__ cancels these
        finally:
            self._live -= sides
            self._tasks.discard(task)
            for side in sides:
                side.close()

    async def _pass_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._hold()
                writer.write(data)
                await writer.drain()
            writer.close()

    async def _pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._hold()
                if self._to_lose > 0 and not data.startswith(b"HTTP/1.1 100"):  # that one asks for the body
                    await self._lose(writer)
                    return
                limit = self._cut_after_bytes
                if limit is not None and passed + len(data) > limit:
                    writer.write(data[: max(0, limit - passed)])
                    await asyncio.sleep(0.01)
                    reset(writer)
                    return
                passed += len(data)
                writer.write(data)
                await writer.drain()
            writer.close()

    async def _hold(self) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        await self._open.wait()

    async def _lose(self, writer: asyncio.StreamWriter) -> None:
        self._to_lose -= 1
        self.lost += 1
        match self._how:
            case "reset":
                reset(writer)
            case "close":
                writer.close()
            case "silence":
                await asyncio.Event().wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.refuse()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST: the other side gets an error, not an end."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

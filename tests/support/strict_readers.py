"""Clients that forgive nothing: their connections are kept, and nothing is sent twice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

ANSWER_SECONDS = 60.0
END_OF_HEAD = b"\r\n\r\n"


class StrictReaders:
    """Reads until it is told to stop. `failures` tells everything but an answer with status 200."""

    def __init__(self, port: int, path_of: Callable[[int], str]) -> None:
        self._port = port
        self._path_of = path_of
        self._asked = 0
        self._stopping = False
        self.answers = 0
        self.failures: list[str] = []

    async def read(self) -> None:
        """Read over one connection until the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            while not self._stopping:
                await self._read_one(reader, writer)
        except (OSError, TimeoutError, EOFError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            writer.close()

    async def _read_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._asked += 1
        path = self._path_of(self._asked)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\napikey: k\r\n\r\n".encode())
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await reader.readuntil(END_OF_HEAD)
            lines = dict(line.split(b": ", 1) for line in head.lower().splitlines()[1:-1])
            body = await reader.readexactly(int(lines[b"content-length"]))
        self.answers += 1
        if b" 200 " not in head.splitlines()[0]:
            self.failures.append(f"{path}: {head.splitlines()[0]!r} {body[:200]!r}")

    def stop(self) -> None:
        """Let every reader end after its answer."""
        self._stopping = True

    async def until(self, answers: int) -> None:
        """Wait until there are so many more answers."""
        wanted = self.answers + answers
        async with asyncio.timeout(ANSWER_SECONDS):
            while self.answers < wanted and not self.failures:  # noqa: ASYNC110 - many count
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def strict_readers(
    port: int, path_of: Callable[[int], str], connections: int = 8
) -> AsyncIterator[StrictReaders]:
    """Read over so many connections; each request has a path of its own, from its number."""
    readers = StrictReaders(port, path_of)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(readers.read())
        try:
            yield readers
        finally:
            readers.stop()

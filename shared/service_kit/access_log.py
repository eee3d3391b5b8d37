"""The access log: one JSON line for each request, written off the hot path."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, BinaryIO, Final
from urllib.parse import unquote

import orjson

from service_kit.telemetry import Telemetry

FLUSH_SECONDS: Final = 0.5
FLUSH_LINES: Final = 1000  # at once when so many wait
MAX_WAITING_LINES: Final = 50_000  # about 15 MB, when nobody reads the output
MAX_LINE_BYTES: Final = 4000
MAX_TEXT_CHARACTERS: Final = 1000
JSON_LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class AccessLog:
    """Collects lines and writes them in batches from a thread.

    At most half a second after the request, at once when many wait, and the rest at the end. When the
    output takes nothing, lines beyond `MAX_WAITING_LINES` are dropped and counted: requests never wait.
    Lines are rendered one by one as they come: a thread that renders batches would fight the event loop
    for the interpreter, which costs more than it saves.
    """

    def __init__(self, output: BinaryIO, telemetry: Telemetry) -> None:
        self._output = output
        self._telemetry = telemetry
        self._waiting: list[bytes] = []
        self._many = asyncio.Event()
        self._writing = asyncio.Lock()

    def append(self, line: bytes) -> None:
        """Take one line. Never blocks."""
        waiting = self._waiting
        waiting.append(line)
        if len(waiting) >= FLUSH_LINES:
            self._note_many()

    def _note_many(self) -> None:
        self._many.set()
        if len(self._waiting) > MAX_WAITING_LINES:
            self._waiting.pop()
            self._telemetry.log_lines_dropped.inc()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write in the background; at the end what is left."""
        writer = asyncio.create_task(self._run(), name="access log")
        try:
            yield
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits."""
        async with self._writing:
            batch, self._waiting = self._waiting, []
            self._many.clear()
            if batch:
                await asyncio.to_thread(self._write, batch)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._many.wait()
            await asyncio.shield(self.flush())

    def _write(self, batch: list[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):  # the reader of the output is gone; requests go on
            self._output.write(b"".join(batch))
            self._output.flush()


def render_unusual_line(line: dict[str, Any]) -> bytes:
    """Return a line whose texts are shortened, and rid of what JSON cannot hold, such as lone surrogates."""
    return orjson.dumps({name: _shortened(value) for name, value in line.items()}, option=JSON_LINE)


def _shortened(value: object) -> object:
    return value[:MAX_TEXT_CHARACTERS].encode(errors="replace").decode() if isinstance(value, str) else value


def loggable_path(raw_path: str) -> str:
    """Return the path with its query; a query that may hold an API key is left out as a whole."""
    path, mark, query = raw_path.partition("?")
    if mark and ("apikey" in query.lower() or "apikey" in unquote(query).lower()):
        return f"{path}?(left out)"
    return raw_path

"""The access log: one JSON line for each request, written off the hot path."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import BinaryIO, Final, NamedTuple
from urllib.parse import unquote

import orjson

from service_kit.telemetry import Telemetry

FLUSH_SECONDS: Final = 0.5
FLUSH_LINES: Final = 256  # at once when so many wait: each batch keeps the interpreter for less than 1 ms
MAX_WAITING_LINES: Final = 50_000  # about 20 MB, when nobody reads the output
MAX_PATH_CHARACTERS: Final = 2000
JSON_LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class AccessLine(NamedTuple):
    """One request as the hot path hands it over; rendering is left to the writer."""

    at_seconds: float  # Unix time of the answer
    request_id: str
    remote: str | None
    method: str
    raw_path: str  # as sent, with the query
    status: int
    sent_bytes: int
    seconds: float
    user_agent: str | None


class AccessLog:
    """Collects lines and writes them in batches from a thread.

    At most half a second after the request, at once when many wait, and the rest at the end. When the
    output takes nothing, lines beyond `MAX_WAITING_LINES` are dropped and counted: requests never wait.
    """

    def __init__(self, output: BinaryIO, telemetry: Telemetry) -> None:
        self._output = output
        self._telemetry = telemetry
        self._waiting: list[AccessLine] = []
        self._many = asyncio.Event()
        self._writing = asyncio.Lock()

    def append(self, line: AccessLine) -> None:
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

    def _write(self, batch: list[AccessLine]) -> None:
        with contextlib.suppress(OSError, ValueError):  # the reader of the output is gone; requests go on
            self._output.write(b"".join(map(render_line, batch)))
            self._output.flush()


def render_line(line: AccessLine) -> bytes:
    """Return the line as JSON with a line end. It never holds an API key."""
    fields = {
        "time": datetime.fromtimestamp(line.at_seconds, UTC),
        "log": "access",
        "request_id": line.request_id,
        "remote": line.remote,
        "method": line.method,
        "path": loggable_path(line.raw_path),
        "status": line.status,
        "bytes": line.sent_bytes,
        "ms": round(line.seconds * 1000, 3),
        "agent": line.user_agent,
    }
    try:
        return orjson.dumps(fields, option=JSON_LINE)
    except TypeError:  # bytes that are not UTF-8 arrive as lone surrogates
        fields["path"] = loggable_path(line.raw_path).encode(errors="replace").decode()
        fields["agent"] = (line.user_agent or "").encode(errors="replace").decode()
        return orjson.dumps(fields, option=JSON_LINE)


def loggable_path(raw_path: str) -> str:
    """Return the path with its query; a query that may hold an API key is left out as a whole."""
    path, mark, query = raw_path.partition("?")
    if mark and "apikey" in unquote(query).lower():
        return f"{path[:MAX_PATH_CHARACTERS]}?(left out)"
    return raw_path[:MAX_PATH_CHARACTERS]

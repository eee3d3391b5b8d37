"""The access log: one JSON line for each request, written off the hot path."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import BinaryIO, Final, NamedTuple
from urllib.parse import unquote

import orjson

from service_kit.telemetry import Telemetry

FLUSH_SECONDS: Final = 0.5
FLUSH_LINES: Final = 1000  # at once when so many wait
MAX_WAITING_LINES: Final = 50_000  # about 15 MB, when nobody reads the output
MAX_TEXT_CHARACTERS: Final = 1000
MAX_KEPT_CHARACTERS: Final = 200  # of what is kept rendered, so that nobody can fill the memory


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


class AccessLine(NamedTuple):
    """One request. Its id and the service are rendered as they are: they hold nothing that JSON escapes."""

    unix_seconds: float
    method: str
    raw_path: str  # as it was sent, with its query
    status: int
    sent_bytes: int
    seconds: float
    remote: str | None
    agent: str | None
    request_id: str
    service: str


def render_line(line: AccessLine) -> bytes:
    """Return the line as JSON with a line end. It never holds an API key.

    What repeats from request to request is rendered once and kept, since this runs for each of them.
    """
    at, method, raw_path, status, sent_bytes, seconds, remote, agent, request_id, service = line
    repeats = "?" not in raw_path and len(raw_path) <= MAX_KEPT_CHARACTERS
    what = (_kept_what if repeats else _render_what)(method, raw_path, status)
    who = (_kept_who if len(agent or "") <= MAX_KEPT_CHARACTERS else _render_who)(remote, agent)
    when = f"{_second(int(at))}.{int(at % 1 * 1000):03d}Z"
    return (
        f'{{"time":"{when}","log":"access","service":"{service}",{what},"bytes":{sent_bytes},'
        f'"microseconds":{int(seconds * 1_000_000)},{who},"request_id":"{request_id}"}}\n'
    ).encode()


def _render_what(method: str, raw_path: str, status: int) -> str:
    path = _json_text(loggable_path(raw_path))
    return f'"method":{_json_text(method)},"path":{path},"status":{status}'


def _render_who(remote: str | None, agent: str | None) -> str:
    return f'"remote":{_json_text(remote)},"agent":{_json_text(agent)}'


_kept_what: Final = lru_cache(maxsize=4096)(_render_what)
_kept_who: Final = lru_cache(maxsize=4096)(_render_who)


@lru_cache(maxsize=4)
def _second(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _json_text(text: str | None) -> str:
    """Return a JSON string, shortened."""
    if text is None:
        return "null"
    # bytes that are not UTF-8 arrive as lone surrogates, which JSON cannot hold
    return orjson.dumps(text[:MAX_TEXT_CHARACTERS].encode(errors="replace").decode()).decode()


def loggable_path(raw_path: str) -> str:
    """Return the path with its query; a query that may hold an API key is left out as a whole."""
    path, mark, query = raw_path.partition("?")
    return f"{path}?(left out)" if mark and "key" in unquote(query).lower() else raw_path

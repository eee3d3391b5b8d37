"""Requests at a constant rate, whatever the server does; latency counts from the scheduled time.

`python -m bench.open_loop` reads a plan as JSON from standard input: `port`, `rate` (requests a second),
`seconds`, and `requests`, a list of [path, headers] that are sent in turn. A `{n}` in a path becomes a
number that is never the same. It prints the latencies in milliseconds, by how many it was late itself
in sending each request, and what was not answered with 200 or 304.
"""

import asyncio
import contextlib
import gc
import json
import sys
from collections import Counter
from time import perf_counter
from typing import Any

import uvloop

REQUEST_TIMEOUT_SECONDS = 10.0


class Connection:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def ask(self, head: bytes) -> int:
        """Send a request, read the whole answer, and return its status."""
        self.writer.write(head)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        status = int(answer[9:12])
        _, found, after = answer.partition(b"\r\ncontent-length:")
        if found and status != 304:
            await self._reader.readexactly(int(after.partition(b"\r\n")[0]))
        return status


class OpenLoop:
    """Sends a plan; `latencies` are in milliseconds."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._idle: list[Connection] = []
        self.latencies: list[float] = []
        self.lateness: list[float] = []
        self.failures: Counter[str] = Counter()
        self.opened = 0

    async def run(self) -> None:
        """Send everything and wait for the last answer."""
        interval = 1 / self._plan["rate"]
        requests = self._plan["requests"]
        start = perf_counter() + 0.2
        sent = set()
        for n in range(int(self._plan["rate"] * self._plan["seconds"])):
            due = start + n * interval
            if (wait := due - perf_counter()) > 0:
                await asyncio.sleep(wait)
            self.lateness.append((perf_counter() - due) * 1000)
            path, headers = requests[n % len(requests)]
            task = asyncio.create_task(self._one(_head(path.replace("{n}", str(n)), headers), due))
            sent.add(task)
            task.add_done_callback(sent.discard)
        if sent:
            await asyncio.wait(sent, timeout=REQUEST_TIMEOUT_SECONDS)
        for connection in self._idle:
            connection.writer.close()

    async def _one(self, head: bytes, due: float) -> None:
        connection = None
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
                connection = self._idle.pop() if self._idle else await self._open()
                status = await connection.ask(head)
        except (OSError, TimeoutError, EOFError) as error:
            self.failures[type(error).__name__] += 1
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.writer.close()
            return
        self.latencies.append((perf_counter() - due) * 1000)
        self._idle.append(connection)
        if status not in {200, 304}:
            self.failures[str(status)] += 1

    async def _open(self) -> Connection:
        self.opened += 1
        return Connection(*await asyncio.open_connection("127.0.0.1", self._plan["port"], limit=1 << 20))


def _head(path: str, headers: dict[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def main() -> None:
    loop = OpenLoop(json.load(sys.stdin))
    gc.disable()  # its pauses would be taken for the server's
    uvloop.run(loop.run())
    json.dump(
        {
            "latencies": [round(latency, 3) for latency in loop.latencies],
            "lateness": [round(late, 3) for late in loop.lateness],
            "failures": loop.failures,
            "connections": loop.opened,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()

"""Many listeners to the live feed: `python -m load.listeners`, a `ListenPlan` as a line of standard input.

Writes the line `ready` when all have heard their first event. A further line on standard input is the last
revision: when all have heard of it, or the time for that is over, the outcome goes to the file of the plan.
"""

import asyncio
import contextlib
import dataclasses
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, cast

import uvloop

from load.feed import ChunkedText, EventText, Heard
from load.wire import parse_head, request_head

EVENTS: Final = "/api/model_references/v2/events"
OPENED_AT_ONCE: Final = 50
OPEN_PAUSE_SECONDS: Final = 0.02
FIRST_EVENT_SECONDS: Final = 60.0
SILENCE_SECONDS: Final = 45.0  # three of the signs of life that come every 15 s
LOOK_SECONDS: Final = 0.1
OK: Final = 200


@dataclass(frozen=True, slots=True)
class ListenPlan:
    """How many listen to whom; `patience_seconds` is how long the last revision may take to reach all."""

    host: str
    port: int
    count: int
    patience_seconds: float
    seed: int
    output: str

    def render(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(**json.loads(text))


class Listener(asyncio.Protocol):
    """One connection after another, each from where the one before it ended."""

    def __init__(self, plan: ListenPlan, openings: Counter[str], chance: random.Random) -> None:
        self._plan = plan
        self._openings = openings
        self._chance = chance
        self.heard = Heard()
        self.first = asyncio.Event()
        self._transport: asyncio.WriteTransport | None = None
        self._gone = asyncio.Event()
        self._begin()

    def _begin(self) -> None:
        self._head: bytes | None = b""
        self._chunks, self._text = ChunkedText(), EventText()
        self._spoken_at = time.monotonic()
        self._gone.clear()

    async def listen(self) -> None:
        """Stay connected until cancelled; come back as the server asked for."""
        loop = asyncio.get_running_loop()
        while True:
            self._begin()
            try:
                await loop.create_connection(lambda: self, self._plan.host, self._plan.port)
                await self._until_gone()
            except OSError as error:
                self._openings[type(error).__name__] += 1
            finally:
                if self._transport is not None:
                    self._transport.abort()
            await asyncio.sleep(self._text.retry_milliseconds / 1000 * self._chance.uniform(0.8, 1.2))

    async def _until_gone(self) -> None:
        while not self._gone.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SILENCE_SECONDS / 3):
                    await self._gone.wait()
            if time.monotonic() - self._spoken_at > SILENCE_SECONDS:
                self._openings["left a silent connection"] += 1
                return

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # that of uvloop is none by its type
        headers = {"Accept": "text/event-stream"}
        if self.heard.last:
            headers["Last-Event-ID"] = str(self.heard.last)
        self._transport.write(request_head(self._plan.host, EVENTS, headers))

    def data_received(self, data: bytes) -> None:
        self._spoken_at = time.monotonic()
        if self._head is not None:
            head, found, data = (self._head + data).partition(b"\r\n\r\n")
            if not found:
                self._head = head
                return
            self._head = None
            self._open(head)
        for name, revision in self._text.feed(self._chunks.feed(data)):
            self.heard.take(name, revision, self._spoken_at)
            self.first.set()

    def _open(self, head: bytes) -> None:
        status, headers = parse_head(head)
        self._openings[str(status)] += 1
        if status != OK or headers.get("transfer-encoding") != "chunked":
            assert self._transport is not None
            self._transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        self._gone.set()


class Audience:
    """All listeners."""

    def __init__(self, plan: ListenPlan) -> None:
        self._plan = plan
        self.openings: Counter[str] = Counter()
        chance = random.Random(plan.seed)
        self.listeners = [Listener(plan, self.openings, chance) for _ in range(plan.count)]
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Open all connections. Raises `TimeoutError` when some hear nothing."""
        for start in range(0, len(self.listeners), OPENED_AT_ONCE):
            row = self.listeners[start : start + OPENED_AT_ONCE]
            self._tasks += [asyncio.create_task(listener.listen()) for listener in row]
            await asyncio.sleep(OPEN_PAUSE_SECONDS)
        async with asyncio.timeout(FIRST_EVENT_SECONDS):
            for listener in self.listeners:
                await listener.first.wait()

    async def until_all_heard(self, revision: int) -> float:
        """Wait for the last revision; return the seconds that took, at most the patience of the plan."""
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < self._plan.patience_seconds:
            if all(listener.heard.last >= revision for listener in self.listeners):
                break
            await asyncio.sleep(LOOK_SECONDS)
        return waited

    async def close(self) -> None:
        """Leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def result(self, revision: int, waited: float) -> dict[str, Any]:
        """Return the outcome as a JSON object; `heard` has the times by revision."""
        heard: dict[int, list[float]] = {}
        for listener in self.listeners:
            for number, at in listener.heard.times.items():
                heard.setdefault(number, []).append(at)
        return {
            "listeners": len(self.listeners),
            "openings": dict(self.openings),
            "resets": sum(listener.heard.resets for listener in self.listeners),
            "gaps": [gap for listener in self.listeners for gap in listener.heard.gaps],
            "behind": sum(listener.heard.last < revision for listener in self.listeners),
            "waited_seconds": round(waited, 2),
            "heard": {str(number): sorted(times) for number, times in sorted(heard.items())},
        }


async def run(plan: ListenPlan) -> None:
    audience = Audience(plan)
    await audience.open()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        line = await asyncio.to_thread(sys.stdin.readline)
        revision = int(line or "0")
        waited = await audience.until_all_heard(revision)
    finally:
        await audience.close()
    result = audience.result(revision, waited)
    await asyncio.to_thread(Path(plan.output).write_text, json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    uvloop.run(run(ListenPlan.parse(sys.stdin.readline())))

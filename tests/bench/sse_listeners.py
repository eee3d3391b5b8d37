"""Listens to the live feed over many connections: `python -m bench.sse_listeners PORT COUNT`.

Prints a line `ready` when every connection got its first bytes; then, for the first new revision, when each
connection heard of it: a JSON list of seconds of the monotonic clock. Ends when its input ends.
"""

import asyncio
import json
import sys
import time

EVENTS = "/api/model_references/v2/events"
REQUEST = f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode()
COMMITTED = b"event: catalog.committed"
OPENED_AT_ONCE = 200


class Listener(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.heard: asyncio.Future[float] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        if COMMITTED in data and not self.heard.done():
            self.heard.set_result(time.monotonic())
        if b"catalog.head" in data and not self.opened.done():
            self.opened.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        for waiting in (self.opened, self.heard):
            if not waiting.done():
                waiting.set_exception(ConnectionError("the stream ended"))
                waiting.exception()


async def listen(port: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    listeners: list[Listener] = []
    for start in range(0, count, OPENED_AT_ONCE):
        row = range(start, min(count, start + OPENED_AT_ONCE))
        opened = await asyncio.gather(*(loop.create_connection(Listener, "127.0.0.1", port) for _ in row))
        listeners += [listener for _, listener in opened]
        await asyncio.gather(*(listener.opened for _, listener in opened))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    heard = await asyncio.gather(*(listener.heard for listener in listeners))
    sys.stdout.write(json.dumps(heard) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(listen(int(sys.argv[1]), int(sys.argv[2])))

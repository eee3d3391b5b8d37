"""Listeners of an event bus that remember what they heard."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from service_kit.event_bus import EventBus, Handler, Message, WorkQueue

PATIENCE_SECONDS = 60.0


@dataclass
class Listener:
    """A handler. `answer` is what it does with each message after writing it down."""

    answer: Handler | None = None
    messages: list[Message] = field(default_factory=list)
    attachments: int = 0

    async def handle(self, message: Message) -> None:
        self.messages.append(message)
        if self.answer is not None:
            await self.answer(message)

    def note_attached(self) -> None:
        self.attachments += 1

    @property
    def bodies(self) -> list[bytes]:
        return [message.body for message in self.messages]

    async def heard(self, count: int) -> list[bytes]:
        await eventually(lambda: len(self.messages) >= count)
        return self.bodies

    async def attached(self, times: int = 1) -> None:
        await eventually(lambda: self.attachments >= times)


async def eventually(happened: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def listening(
    bus: EventBus, *patterns: str, answer: Handler | None = None, work_queue: WorkQueue | None = None
) -> AsyncIterator[Listener]:
    """Subscribe a listener, and wait until it is attached."""
    listener = Listener(answer)
    async with bus.subscribe(
        patterns, listener.handle, on_attached=listener.note_attached, work_queue=work_queue
    ):
        await listener.attached()
        yield listener


def a_work_queue(name: str, **changes: float) -> WorkQueue:
    """Return a queue whose pauses are short."""
    times = {"first_pause_seconds": 0.01, "max_pause_seconds": 0.02, "handler_seconds": 60.0}
    deliveries = int(changes.pop("max_deliveries", 3))
    return WorkQueue(name, deliveries, **{**times, **changes})

"""Events that wait for the bus, at most so many."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from uuid import uuid4


@dataclass(slots=True)
class OutgoingEvent:
    """One event on its way; tries of the same one share `message_id`."""

    routing_key: str
    body: bytes
    message_id: str = field(default_factory=lambda: uuid4().hex)
    since: float = field(default_factory=time.monotonic)
    tries: int = 0

    @property
    def waited_seconds(self) -> float:
        """How long ago it was published."""
        return time.monotonic() - self.since


class OutgoingEvents:
    """A first-in first-out buffer that forgets its oldest events when it is full.

    What was taken has to be settled, or put back; `settled()` waits for the end of all.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: deque[OutgoingEvent] = deque()
        self._taken: dict[str, OutgoingEvent] = {}
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._events) + len(self._taken)

    def add(self, event: OutgoingEvent) -> OutgoingEvent | None:
        """Add an event behind all others, and return the one that was dropped for it."""
        self._events.append(event)
        dropped = self._events.popleft() if len(self._events) > self._limit else None
        self._note()
        return dropped

    async def take(self, count: int) -> list[OutgoingEvent]:
        """Wait for events, and return the oldest ones, at most `count`."""
        await self._filled.wait()
        taken = [self._events.popleft() for _ in range(min(count, len(self._events)))]
        self._taken |= {event.message_id: event for event in taken}
        self._note()
        return taken

    def settle(self, event: OutgoingEvent) -> None:
        """Forget an event that was taken."""
        del self._taken[event.message_id]
        self._note()

    def unsettled(self) -> list[OutgoingEvent]:
        """Return the events that were taken and neither settled nor put back, oldest first."""
        return list(self._taken.values())

    def put_back(self, event: OutgoingEvent) -> OutgoingEvent | None:
        """Put an event that was taken before all others; returned if there is no room for it any more."""
        del self._taken[event.message_id]
        dropped = event if len(self._events) >= self._limit else None
        if dropped is None:
            self._events.appendleft(event)
        self._note()
        return dropped

    def clear(self) -> list[OutgoingEvent]:
        """Forget all events that wait, and return them."""
        left = list(self._events)
        self._events.clear()
        self._note()
        return left

    async def settled(self) -> None:
        """Wait until no event waits or is on its way."""
        await self._empty.wait()

    def _note(self) -> None:
        if self._events:
            self._filled.set()
        else:
            self._filled.clear()
        if len(self):
            self._empty.clear()
        else:
            self._empty.set()

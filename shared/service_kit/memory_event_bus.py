"""An event bus within one process."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from service_kit.event_bus import Handler, Message, QueueDepths, WorkQueue, matches
from service_kit.event_bus_metrics import EventBusMetrics, Published, Received
from service_kit.event_delivery import HANDLER_SECONDS, deliver
from service_kit.telemetry import Telemetry

LIMIT: Final = 1000  # messages that wait in one subscription
OWN: Final = "instance"  # label of the subscriptions without a work queue


class Inbox:
    """Messages that wait for a handler; the oldest are forgotten when there are too many."""

    def __init__(self, patterns: tuple[str, ...], limit: int) -> None:
        self.patterns = patterns
        self.dead: deque[Message] = deque(maxlen=limit)
        self.turn = asyncio.Lock()  # held by the one consumer that is served
        self._limit = limit
        self._messages: deque[Message] = deque()
        self._filled = asyncio.Event()

    def wants(self, routing_key: str) -> bool:
        """Return whether a pattern covers the key."""
        return any(matches(pattern, routing_key) for pattern in self.patterns)

    def put(self, message: Message) -> Message | None:
        """Add a message, and return the one that was forgotten for it."""
        self._messages.append(message)
        self._filled.set()
        return self._messages.popleft() if len(self._messages) > self._limit else None

    def put_back(self, message: Message) -> None:
        """Add a message before all others."""
        self._messages.appendleft(message)
        self._filled.set()

    @property
    def depths(self) -> QueueDepths:
        """How much there is."""
        return QueueDepths(len(self._messages), len(self.dead))

    async def take(self) -> Message:
        """Wait for the oldest message."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        return self._messages.popleft()


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who reads an inbox. `work_queue` says by which rules; None: by those of an instance."""

    inbox: Inbox
    handler: Handler
    work_queue: WorkQueue | None


class MemoryEventBus:
    """Hands messages on within the process; nothing outlives it.

    Work queues keep their messages between two subscriptions, as long as the bus lives.
    """

    failure: str | None = None

    def __init__(self, telemetry: Telemetry | None = None, *, limit: int = LIMIT) -> None:
        self._metrics = EventBusMetrics(telemetry)
        self._limit = limit
        self._inboxes: list[Inbox] = []
        self._work: dict[str, Inbox] = {}

    def publish(self, routing_key: str, body: bytes) -> None:
        hearers = [inbox for inbox in self._inboxes if inbox.wants(routing_key)]
        for inbox in hearers:
            if inbox.put(Message(routing_key, body)) is not None:
                self._metrics.published(routing_key, Published.dropped)
        outcome = Published.confirmed if hearers else Published.unheard
        self._metrics.published(routing_key, outcome, 0.0)

    @contextlib.asynccontextmanager
    async def subscribe(
        self,
        patterns: tuple[str, ...],
        handler: Handler,
        *,
        on_attached: Callable[[], None] | None = None,
        work_queue: WorkQueue | None = None,
    ) -> AsyncIterator[None]:
        inbox = self._open_inbox(patterns, work_queue)
        consuming = asyncio.create_task(self._consume(Consumer(inbox, handler, work_queue)))
        if on_attached is not None:
            on_attached()
        try:
            yield
        finally:
            consuming.cancel()
            await asyncio.gather(consuming, return_exceptions=True)
            if work_queue is None:
                self._inboxes.remove(inbox)

    @contextlib.asynccontextmanager
    async def counting(self, work_queue: WorkQueue) -> AsyncIterator[Callable[[], QueueDepths | None]]:
        def count() -> QueueDepths:
            inbox = self._work.get(work_queue.name)
            return inbox.depths if inbox is not None else QueueDepths(0, 0)

        yield count

    def dead_letters(self, work_queue: WorkQueue) -> list[bytes]:
        """Return the bodies of the messages of the queue that could not be handled, oldest first."""
        return [message.body for message in self._work[work_queue.name].dead]

    def _open_inbox(self, patterns: tuple[str, ...], work_queue: WorkQueue | None) -> Inbox:
        if work_queue is not None and work_queue.name in self._work:
            inbox = self._work[work_queue.name]
            inbox.patterns = tuple(dict.fromkeys((*inbox.patterns, *patterns)))
            return inbox
        inbox = Inbox(patterns, self._limit)
        self._inboxes.append(inbox)
        if work_queue is not None:
            self._work[work_queue.name] = inbox
        return inbox

    async def _consume(self, consumer: Consumer) -> None:
        async with consumer.inbox.turn if consumer.work_queue else contextlib.nullcontext():
            while True:
                message = await consumer.inbox.take()
                if consumer.work_queue is None:
                    note_lag = partial(self._metrics.lag, OWN)
                    outcome = await deliver(message, consumer.handler, HANDLER_SECONDS, note_lag=note_lag)
                    self._metrics.received(OWN, outcome)
                else:
                    await self._work_on(message, consumer, consumer.work_queue)

    async def _work_on(self, message: Message, consumer: Consumer, queue: WorkQueue) -> None:
        try:
            note_lag = partial(self._metrics.lag, queue.name)
            outcome = await deliver(message, consumer.handler, queue.handler_seconds, note_lag=note_lag)
        except asyncio.CancelledError:
            consumer.inbox.put_back(message)  # for the next consumer
            raise
        self._metrics.received(queue.name, outcome)
        match outcome:
            case Received.handled:
                return
            case Received.invalid:
                self._bury(message, consumer.inbox, queue)
            case Received.failed:
                await self._retry(message, consumer.inbox, queue)

    async def _retry(self, message: Message, inbox: Inbox, queue: WorkQueue) -> None:
        again = replace(message, deliveries=message.deliveries + 1)
        if message.deliveries >= queue.max_deliveries:
            self._bury(message, inbox, queue)
            return
        try:
            await asyncio.sleep(queue.pause_seconds(message.deliveries))
        finally:
            inbox.put_back(again)

    def _bury(self, message: Message, inbox: Inbox, queue: WorkQueue) -> None:
        inbox.dead.append(message)
        self._metrics.given_up(queue.name)

"""Receives events from an AMQP broker."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from service_kit.amqp_session import AmqpSession, ConnectionLost, declare_topics
from service_kit.event_bus import Handler, Message, WorkQueue
from service_kit.event_bus_metrics import EventBusMetrics, Received
from service_kit.event_delivery import HANDLER_SECONDS, deliver
from service_kit.settings import AmqpSettings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a subscription asks for."""

    patterns: tuple[str, ...]
    handler: Handler
    on_attached: Callable[[], None] | None = None
    work_queue: WorkQueue | None = None

    @property
    def name(self) -> str:
        """A label for logs and metrics."""
        return self.work_queue.name if self.work_queue else "instance"


class AmqpSubscription:
    """The receiving half of the bus. `session.run()` has to run as a task."""

    def __init__(self, wanted: Wanted, settings: AmqpSettings, metrics: EventBusMetrics) -> None:
        self._wanted = wanted
        self._settings = settings
        self._metrics = metrics
        self.session = AmqpSession(wanted.name, settings, metrics, self._receive_all)

    async def _receive_all(self, channel: AbstractChannel) -> None:
        inbox: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()  # bounded by the prefetch
        async with asyncio.timeout(self._settings.connect_timeout_seconds):
            queue = await self._declare(channel)
            await _when_cancelled(channel, inbox)
            await queue.consume(inbox.put)
        self.session.attached()
        if self._wanted.on_attached is not None:
            self._wanted.on_attached()
        while (message := await inbox.get()) is not None:
            await self._settle(message)
        raise ConnectionLost("the broker ended the subscription")

    async def _declare(self, channel: AbstractChannel) -> AbstractQueue:
        exchange = await declare_topics(channel, self._settings.exchange)
        if self._wanted.work_queue is None:
            await channel.set_qos(prefetch_count=self._settings.prefetch)
            queue = await channel.declare_queue(
                exclusive=True, auto_delete=True, arguments={"x-max-length": self._settings.max_waiting}
            )
        else:
            await channel.set_qos(prefetch_count=1)
            queue = await declare_work_queue(channel, self._wanted.work_queue)
        for pattern in self._wanted.patterns:
            await queue.bind(exchange, pattern)
        return queue

    async def _settle(self, incoming: AbstractIncomingMessage) -> None:
        """End a delivery in one of acknowledged, delivered again, dead letter."""
        work_queue = self._wanted.work_queue
        message = Message(incoming.routing_key or "", incoming.body, _deliveries(incoming))
        seconds = work_queue.handler_seconds if work_queue else HANDLER_SECONDS
        note_lag = partial(self._metrics.lag, self._wanted.name)
        outcome = await deliver(message, self._wanted.handler, seconds, note_lag=note_lag)
        self._metrics.received(self._wanted.name, outcome)
        if work_queue is None or outcome is Received.handled:
            await incoming.ack()
        elif outcome is Received.invalid:
            self._metrics.given_up(work_queue.name)
            await incoming.reject(requeue=False)
        else:
            if message.deliveries < work_queue.max_deliveries:
                await asyncio.sleep(work_queue.pause_seconds(message.deliveries))
            else:
                self._metrics.given_up(work_queue.name)
            await incoming.nack(requeue=True)  # past the limit the broker makes it a dead letter


async def declare_work_queue(channel: AbstractChannel, work_queue: WorkQueue) -> AbstractQueue:
    """Make the queue and that of its dead letters, if they are not there yet."""
    dead = await channel.declare_queue(
        work_queue.dead_letters, durable=True, arguments={"x-queue-type": "quorum"}
    )
    return await channel.declare_queue(
        work_queue.name,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-single-active-consumer": True,
            "x-delivery-limit": work_queue.max_deliveries - 1,  # the broker counts REdeliveries
            "x-dead-letter-exchange": "",  # the default one, which routes by the name of the queue
            "x-dead-letter-routing-key": dead.name,
        },
    )


async def _when_cancelled(
    channel: AbstractChannel, inbox: asyncio.Queue[AbstractIncomingMessage | None]
) -> None:
    """Put None into the inbox when the broker cancels the consumer, as it does when its queue is deleted."""
    underlay = await channel.get_underlay_channel()
    underlay.on_consumer_cancel_callbacks.add(lambda _: inbox.put_nowait(None))


def _deliveries(incoming: AbstractIncomingMessage) -> int:
    """Count this delivery: a quorum queue says how many there were before."""
    before = incoming.headers.get("x-delivery-count", 0)
    return before + 1 if isinstance(before, int) else 1

"""Sends events to an AMQP broker, each until it is confirmed, or given up."""

import asyncio
import logging
from typing import Final

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractExchange
from aio_pika.exceptions import PublishError

from service_kit.amqp_session import AmqpSession, declare_topics
from service_kit.event_bus_metrics import EventBusMetrics, Published
from service_kit.outgoing_events import OutgoingEvent, OutgoingEvents
from service_kit.settings import AmqpSettings

MAX_IN_FLIGHT: Final = 64

log = logging.getLogger(__name__)


class AmqpPublisher:
    """The sending half of the bus. `session.run()` has to run as a task."""

    def __init__(self, settings: AmqpSettings, metrics: EventBusMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._outgoing = OutgoingEvents(settings.max_waiting)
        self._unheard: set[str] = set()
        self._closed = False
        self._dropping = False
        self.session = AmqpSession("publisher", settings, metrics, self.send_all)

    def publish(self, routing_key: str, body: bytes) -> None:
        """Send an event soon. Nothing is raised."""
        if self._closed:
            self._metrics.published(routing_key, Published.dropped)
            return
        self._note_dropped(self._outgoing.add(OutgoingEvent(routing_key, body)))

    async def drain(self) -> None:
        """Take no more events, and wait for the last ones for the time that the settings give.

        When the broker was found to be away there is nothing to wait for.
        """
        self._closed = True
        try:
            async with asyncio.timeout(0 if self.session.given_up else self._settings.drain_seconds):
                await self._outgoing.settled()
        except TimeoutError:
            log.warning("event bus: %d events were not sent before the stop", len(self._outgoing))

    def forget_rest(self) -> None:
        """Count what was not sent; to be called when the session has ended."""
        for event in self._outgoing.clear():
            self._metrics.published(event.routing_key, Published.unsent)
        self._metrics.waiting(0)

    async def send_all(self, channel: AbstractChannel) -> None:
        """Send what waits, and what comes, until cancelled; what is not settled then waits again."""
        async with asyncio.timeout(self._settings.connect_timeout_seconds):
            exchange = await declare_topics(channel, self._settings.exchange)
        self.session.attached()
        while True:
            batch = await self._outgoing.take(MAX_IN_FLIGHT)
            try:
                failures = await asyncio.gather(
                    *(self._send(exchange, event) for event in batch), return_exceptions=True
                )
            finally:  # not in `_send`: a task that is cancelled before it began runs none of its code
                for event in reversed(self._outgoing.unsettled()):
                    self._try_later(event)
            self._metrics.waiting(len(self._outgoing))
            if failure := next((failure for failure in failures if failure is not None), None):
                raise failure

    async def _send(self, exchange: AbstractExchange, event: OutgoingEvent) -> None:
        """Settle the event, or raise what makes a new channel necessary."""
        event.tries += 1
        message = Message(
            event.body,
            message_id=event.message_id,
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT,
        )
        timeout_seconds = self._settings.publish_timeout_seconds
        try:
            await exchange.publish(message, event.routing_key, mandatory=True, timeout=timeout_seconds)
        except PublishError:
            self._note_unheard(event)
        else:
            self._note_confirmed(event)

    def _note_confirmed(self, event: OutgoingEvent) -> None:
        self._outgoing.settle(event)
        self._dropping = False
        self._unheard.discard(event.routing_key)
        self._metrics.published(event.routing_key, Published.confirmed, event.waited_seconds)

    def _note_unheard(self, event: OutgoingEvent) -> None:
        self._outgoing.settle(event)
        if event.routing_key not in self._unheard:
            log.info("event bus: nobody listens to %s at the moment", event.routing_key)
        self._unheard.add(event.routing_key)
        self._metrics.published(event.routing_key, Published.unheard, event.waited_seconds)

    def _try_later(self, event: OutgoingEvent) -> None:
        if event.tries < self._settings.max_tries:
            self._note_dropped(self._outgoing.put_back(event))
            return
        self._outgoing.settle(event)
        log.warning("event bus: a %s was given up after %d tries", event.routing_key, event.tries)
        self._metrics.published(event.routing_key, Published.refused)

    def _note_dropped(self, event: OutgoingEvent | None) -> None:
        self._metrics.waiting(len(self._outgoing))
        if event is None:
            return
        if not self._dropping:
            log.warning("event bus: too many events wait, the oldest are dropped")
        self._dropping = True
        self._metrics.published(event.routing_key, Published.dropped)

"""The event bus on RabbitMQ."""

import contextlib
from collections.abc import AsyncIterator, Callable

from service_kit.amqp_publisher import AmqpPublisher
from service_kit.amqp_queue_count import AmqpQueueCount
from service_kit.amqp_subscription import AmqpSubscription, Wanted
from service_kit.background import running
from service_kit.event_bus import Handler, QueueDepths, WorkQueue
from service_kit.event_bus_metrics import EventBusMetrics
from service_kit.settings import AmqpSettings
from service_kit.telemetry import Telemetry


class RabbitEventBus:
    """One durable topic exchange. Made by `open_rabbit_bus`, which also ends it."""

    def __init__(self, settings: AmqpSettings, telemetry: Telemetry | None = None) -> None:
        self._settings = settings
        self._metrics = EventBusMetrics(telemetry)
        self.publisher = AmqpPublisher(settings, self._metrics)
        self._sessions = [self.publisher.session]

    @property
    def failure(self) -> str | None:
        failures = {session.failure for session in self._sessions if session.failure is not None}
        return ", ".join(sorted(failures)) or None

    def publish(self, routing_key: str, body: bytes) -> None:
        self.publisher.publish(routing_key, body)

    @contextlib.asynccontextmanager
    async def subscribe(
        self,
        patterns: tuple[str, ...],
        handler: Handler,
        *,
        on_attached: Callable[[], None] | None = None,
        work_queue: WorkQueue | None = None,
    ) -> AsyncIterator[None]:
        wanted = Wanted(patterns, handler, on_attached, work_queue)
        session = AmqpSubscription(wanted, self._settings, self._metrics).session
        self._sessions.append(session)
        try:
            async with running(session.run()):
                yield
        finally:
            self._sessions.remove(session)

    @contextlib.asynccontextmanager
    async def counting(self, work_queue: WorkQueue) -> AsyncIterator[Callable[[], QueueDepths | None]]:
        count = AmqpQueueCount(work_queue, self._settings, self._metrics)
        async with running(count.session.run()):
            yield lambda: count.depths


@contextlib.asynccontextmanager
async def open_rabbit_bus(
    settings: AmqpSettings, telemetry: Telemetry | None = None
) -> AsyncIterator[RabbitEventBus]:
    """Return a bus that connects in the background; that the broker is down is no error.

    At the end the last events are sent, as far as that is possible in a bounded time.
    """
    bus = RabbitEventBus(settings, telemetry)
    try:
        async with running(bus.publisher.session.run()):
            try:
                yield bus
            finally:
                await bus.publisher.drain()
    finally:
        bus.publisher.forget_rest()

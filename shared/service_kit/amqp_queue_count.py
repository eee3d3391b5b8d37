"""Counts what lies in a work queue of an AMQP broker."""

import asyncio
from typing import Final

from aio_pika.abc import AbstractChannel

from service_kit.amqp_session import AmqpSession
from service_kit.amqp_subscription import declare_work_queue
from service_kit.event_bus import QueueDepths, WorkQueue
from service_kit.event_bus_metrics import EventBusMetrics
from service_kit.settings import AmqpSettings

LOOK_SECONDS: Final = 5.0


class AmqpQueueCount:
    """Asks at an interval, on a connection of its own. `session.run()` has to run as a task.

    Declaring a queue that is there tells how many messages it has ready.
    """

    def __init__(
        self,
        work_queue: WorkQueue,
        settings: AmqpSettings,
        metrics: EventBusMetrics,
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self.depths: QueueDepths | None = None
        self._work_queue = work_queue
        self._settings = settings
        self._look_seconds = look_seconds
        self.session = AmqpSession(f"{work_queue.name} count", settings, metrics, self._count_all)

    async def _count_all(self, channel: AbstractChannel) -> None:
        try:
            while True:
                async with asyncio.timeout(self._settings.connect_timeout_seconds):
                    self.depths = await self._count(channel)
                self.session.attached()
                await asyncio.sleep(self._look_seconds)
        finally:
            self.depths = None

    async def _count(self, channel: AbstractChannel) -> QueueDepths:
        queue = await declare_work_queue(channel, self._work_queue)
        dead = await channel.declare_queue(self._work_queue.dead_letters, passive=True)
        return QueueDepths(
            queue.declaration_result.message_count or 0, dead.declaration_result.message_count or 0
        )

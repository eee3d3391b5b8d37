"""The sending half of the RabbitMQ bus, over a channel that is not there."""

import asyncio
from typing import Any, cast

from aio_pika.abc import AbstractChannel

from service_kit.amqp_publisher import AmqpPublisher
from service_kit.event_bus_metrics import EventBusMetrics
from service_kit.settings import AmqpSettings


class Channel:
    """Takes messages, and tells nothing of them; it is its own exchange. `taken` are their bodies."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def declare_exchange(self, *_: Any, **__: Any) -> "Channel":
        return self

    async def publish(self, message: Any, *_: Any, **__: Any) -> None:
        self.taken.append(message.body)


async def test_event_whose_sending_was_cancelled_before_it_began_is_sent_over_the_next_channel() -> None:
    publisher = AmqpPublisher(AmqpSettings(), EventBusMetrics(None))
    lost, fresh = Channel(), Channel()
    sending = asyncio.create_task(publisher.send_all(cast(AbstractChannel, lost)))
    await asyncio.sleep(0.01)
    publisher.publish("a.b", b"1")
    asyncio.get_running_loop().call_soon(sending.cancel)  # after it took the event, before it sends it
    await asyncio.wait({sending})
    assert lost.taken == []

    again = asyncio.create_task(publisher.send_all(cast(AbstractChannel, fresh)))
    await publisher.drain()

    assert fresh.taken == [b"1"]
    again.cancel()
    await asyncio.wait({again})

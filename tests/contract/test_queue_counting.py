"""How much lies in a work queue, over every event bus."""

import contextlib
import secrets
from collections.abc import AsyncIterator

import pytest

from service_kit.amqp_queue_count import AmqpQueueCount
from service_kit.background import running
from service_kit.event_bus import EventBus, Message, MessageInvalid, QueueDepths, WorkQueue
from service_kit.event_bus_metrics import EventBusMetrics
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.rabbit_event_bus import open_rabbit_bus
from service_kit.settings import AmqpSettings
from support.event_listeners import a_work_queue, eventually
from support.servers import RabbitServer

LOOK_SECONDS = 0.05


@pytest.fixture(params=["memory", "rabbit"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[EventBus]:
    if request.param == "memory":
        yield MemoryEventBus()
        return
    server: RabbitServer = request.getfixturevalue("rabbit_server")
    async with open_rabbit_bus(server.settings()) as opened:
        yield opened


@pytest.fixture
def work_queue() -> WorkQueue:
    return a_work_queue(f"test-{secrets.token_hex(6)}")


async def refuse(_: Message) -> None:
    raise MessageInvalid("not for me")


async def test_queue_that_nobody_ever_used_is_empty(bus: EventBus, work_queue: WorkQueue) -> None:
    async with bus.counting(work_queue) as count:
        await eventually(lambda: count() == QueueDepths(0, 0))


async def test_messages_that_wait_are_counted(bus: EventBus, work_queue: WorkQueue) -> None:
    async with bus.subscribe(("some.work",), refuse, work_queue=work_queue):
        await eventually(lambda: bus.failure is None)
    for number in range(3):
        bus.publish("some.work", str(number).encode())
    async with bus.counting(work_queue) as count:
        await eventually(lambda: count() == QueueDepths(3, 0))


async def test_dead_letters_are_counted(bus: EventBus, work_queue: WorkQueue) -> None:
    async with bus.subscribe(("some.work",), refuse, work_queue=work_queue):
        await eventually(lambda: bus.failure is None)
        bus.publish("some.work", b"x")
        async with bus.counting(work_queue) as count:
            await eventually(lambda: count() == QueueDepths(0, 1))


async def test_nothing_is_known_while_the_broker_is_away(work_queue: WorkQueue) -> None:
    nowhere = AmqpSettings.model_validate({"url": "amqp://guest:guest@127.0.0.1:1/"})
    async with open_rabbit_bus(nowhere) as lost, lost.counting(work_queue) as count:
        await eventually(lambda: lost.failure == "AMQPConnectionError")
        assert count() is None


async def test_count_follows_the_queue(rabbit_server: RabbitServer, work_queue: WorkQueue) -> None:
    settings = rabbit_server.settings()
    count = AmqpQueueCount(work_queue, settings, EventBusMetrics(), look_seconds=LOOK_SECONDS)
    async with contextlib.AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_rabbit_bus(settings))
        async with bus.subscribe(("more.work",), refuse, work_queue=work_queue):
            await eventually(lambda: bus.failure is None)
        async with running(count.session.run()):
            await eventually(lambda: count.depths == QueueDepths(0, 0))
            bus.publish("more.work", b"x")
            await eventually(lambda: count.depths == QueueDepths(1, 0))
        assert count.depths is None

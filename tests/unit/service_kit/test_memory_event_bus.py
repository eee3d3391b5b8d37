"""The limits and the numbers of the bus within a process; the rest is in the contract of all buses."""

import asyncio
import secrets

from service_kit.event_bus import Message
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.telemetry import Telemetry
from support.event_listeners import a_work_queue, eventually, listening
from support.metrics import sample


def published(telemetry: Telemetry, outcome: str) -> float:
    return sample(telemetry, "events_published_total", routing_key="a.b", outcome=outcome)


async def test_slow_listener_keeps_the_newest_messages_only() -> None:
    telemetry = Telemetry("t")
    bus = MemoryEventBus(telemetry, limit=2)
    release = asyncio.Event()

    async def wait(_: Message) -> None:
        await release.wait()

    async with listening(bus, "a.b", answer=wait) as listener:
        bus.publish("a.b", b"0")
        await listener.heard(1)
        for number in range(1, 6):
            bus.publish("a.b", b"%d" % number)
        release.set()
        assert await listener.heard(3) == [b"0", b"4", b"5"]
    assert published(telemetry, "dropped") == 3


async def test_events_are_counted_as_heard_or_not() -> None:
    telemetry = Telemetry("t")
    bus = MemoryEventBus(telemetry)
    bus.publish("a.b", b"1")
    async with listening(bus, "a.b") as listener:
        bus.publish("a.b", b"2")
        await listener.heard(1)
        await eventually(
            lambda: (
                sample(telemetry, "events_received_total", subscription="instance", outcome="handled") == 1
            )
        )
    assert (published(telemetry, "unheard"), published(telemetry, "confirmed")) == (1, 1)


async def test_ended_subscriptions_leave_nothing_behind() -> None:
    before = asyncio.all_tasks()
    bus = MemoryEventBus()
    async with listening(bus, "a.b"), listening(bus, "a.b", work_queue=a_work_queue(secrets.token_hex(4))):
        pass
    assert asyncio.all_tasks() == before


async def test_dead_letters_are_bounded() -> None:
    bus = MemoryEventBus(limit=2)
    queue = a_work_queue("q", max_deliveries=1)

    async def fail(_: Message) -> None:
        raise RuntimeError

    async with listening(bus, "a.b", answer=fail, work_queue=queue) as listener:
        for number in range(4):
            bus.publish("a.b", b"%d" % number)
            await listener.heard(number + 1)
        await eventually(lambda: bus.dead_letters(queue) == [b"2", b"3"])

"""What every event bus does, over every adapter."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import pytest

from service_kit.event_bus import EventBus, Message, MessageInvalid, WorkQueue
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.rabbit_event_bus import open_rabbit_bus
from support.amqp_probe import read_dead_letters
from support.event_listeners import a_work_queue, eventually, listening
from support.servers import RabbitServer


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where the instances of one system meet. `connect` opens the bus of one more of them."""

    connect: Callable[[], AbstractAsyncContextManager[EventBus]]
    read_dead_letters: Callable[[WorkQueue, int], Awaitable[list[bytes]]]


def in_memory(_: pytest.FixtureRequest) -> Meeting:
    bus = MemoryEventBus()

    @contextlib.asynccontextmanager
    async def connect() -> AsyncIterator[EventBus]:
        yield bus

    async def read(work_queue: WorkQueue, count: int) -> list[bytes]:
        await eventually(lambda: len(bus.dead_letters(work_queue)) >= count)
        return bus.dead_letters(work_queue)

    return Meeting(connect, read)


def on_rabbit(request: pytest.FixtureRequest) -> Meeting:
    server: RabbitServer = request.getfixturevalue("rabbit_server")
    settings = server.settings()

    async def read(work_queue: WorkQueue, count: int) -> list[bytes]:
        return await read_dead_letters(settings, work_queue, count)

    return Meeting(lambda: open_rabbit_bus(settings), read)


ADAPTERS: dict[str, Callable[[pytest.FixtureRequest], Meeting]] = {"memory": in_memory, "rabbit": on_rabbit}


@pytest.fixture(params=ADAPTERS)
def meeting(request: pytest.FixtureRequest) -> Meeting:
    return ADAPTERS[request.param](request)


@pytest.fixture
async def bus(meeting: Meeting) -> AsyncIterator[EventBus]:
    async with meeting.connect() as bus:
        yield bus


@pytest.fixture
def work_queue() -> WorkQueue:
    return a_work_queue(f"test-{secrets.token_hex(6)}")


async def fail(message: Message) -> None:
    raise RuntimeError(f"no luck with {message.body!r}")


async def refuse(message: Message) -> None:
    raise MessageInvalid("not for me")


async def test_message_reaches_the_listener_as_it_was_published(bus: EventBus) -> None:
    async with listening(bus, "catalog.committed") as listener:
        bus.publish("catalog.committed", b'{"n": "\xc3\xa4"}')
        await listener.heard(1)
    assert listener.messages == [Message("catalog.committed", b'{"n": "\xc3\xa4"}', 1)]


async def test_every_instance_gets_every_message(meeting: Meeting) -> None:
    async with (
        meeting.connect() as one,
        meeting.connect() as other,
        listening(one, "change.*") as first,
        listening(other, "change.*") as second,
    ):
        for number in range(3):
            one.publish("change.proposed", b"from one %d" % number)
            other.publish("change.applied", b"from other %d" % number)
        assert sorted(await first.heard(6)) == sorted(await second.heard(6))
    assert len(set(first.bodies)) == 6


async def test_two_subscriptions_of_one_bus_get_each_message(bus: EventBus) -> None:
    async with listening(bus, "a.#") as first, listening(bus, "a.#") as second:
        bus.publish("a.b", b"1")
        assert await first.heard(1) == await second.heard(1) == [b"1"]


@pytest.mark.parametrize(
    ("pattern", "covered", "not_covered"),
    [
        ("change.applied", ["change.applied"], ["change.applied.x", "change", "catalog.committed"]),
        ("change.*", ["change.applied", "change.decided"], ["change", "change.a.b", "catalog.change"]),
        ("change.#", ["change", "change.a", "change.a.b"], ["catalog.committed", "changes"]),
        ("#", ["change", "a.b.c"], []),
        ("*.committed", ["catalog.committed"], ["committed", "a.b.committed"]),
        ("#.committed", ["committed", "a.committed", "a.b.committed"], ["committed.a"]),
        ("a.#.z", ["a.z", "a.b.z", "a.b.c.z"], ["a", "z", "a.b.z.c"]),
        ("a.*.#", ["a.b", "a.b.c"], ["a", "b.a"]),
    ],
)
async def test_patterns_cover_keys_in_the_manner_of_amqp(
    bus: EventBus, pattern: str, covered: list[str], not_covered: list[str]
) -> None:
    async with listening(bus, pattern, "the.end") as listener:
        for key in [*not_covered, *covered, "the.end"]:
            bus.publish(key, key.encode())
        await listener.heard(len(covered) + 1)
    assert sorted(listener.bodies) == sorted(key.encode() for key in [*covered, "the.end"])


async def test_overlapping_patterns_deliver_once(bus: EventBus) -> None:
    async with listening(bus, "a.b", "a.*", "#") as listener:
        bus.publish("a.b", b"1")
        bus.publish("a.c", b"2")
        assert sorted(await listener.heard(2)) == [b"1", b"2"]


async def test_same_message_published_twice_is_heard_twice(bus: EventBus) -> None:
    async with listening(bus, "a.b") as listener:
        bus.publish("a.b", b"1")
        bus.publish("a.b", b"1")
        assert await listener.heard(2) == [b"1", b"1"]


async def test_failing_handler_loses_that_message_only(bus: EventBus) -> None:
    async def answer(message: Message) -> None:
        if message.body == b"bad":
            await fail(message)

    async with listening(bus, "a.b", answer=answer) as listener:
        bus.publish("a.b", b"bad")
        bus.publish("a.b", b"good")
        assert await listener.heard(2) == [b"bad", b"good"]


async def test_message_that_is_not_understood_is_left_out(bus: EventBus) -> None:
    async def answer(message: Message) -> None:
        if message.body == b"\xff":
            await refuse(message)

    async with listening(bus, "a.b", answer=answer) as listener:
        bus.publish("a.b", b"\xff")
        bus.publish("a.b", b"good")
        assert await listener.heard(2) == [b"\xff", b"good"]


async def test_handler_whose_own_wait_was_cancelled_goes_on_listening(bus: EventBus) -> None:
    async def answer(_: Message) -> None:
        given_up = asyncio.get_running_loop().create_future()
        given_up.cancel()
        await given_up

    async with listening(bus, "a.b", answer=answer) as listener:
        bus.publish("a.b", b"1")
        bus.publish("a.b", b"2")
        assert await listener.heard(2) == [b"1", b"2"]


async def test_nobody_listening_is_fine(bus: EventBus) -> None:
    bus.publish("nobody.listens", b"1")
    async with listening(bus, "a.b") as listener:
        bus.publish("nobody.listens", b"2")
        bus.publish("a.b", b"3")
        assert await listener.heard(1) == [b"3"]


async def test_ended_subscription_hears_nothing_and_its_neighbour_goes_on(bus: EventBus) -> None:
    async with listening(bus, "a.b") as staying:
        async with listening(bus, "a.b") as leaving:
            bus.publish("a.b", b"1")
            await asyncio.gather(staying.heard(1), leaving.heard(1))
        bus.publish("a.b", b"2")
        assert await staying.heard(2) == [b"1", b"2"]
    assert leaving.bodies == [b"1"]


async def test_many_messages_all_arrive_once(bus: EventBus) -> None:
    sent = [b"%d" % number for number in range(500)]
    async with listening(bus, "a.b") as listener:
        for body in sent:
            bus.publish("a.b", body)
        assert sorted(await listener.heard(500)) == sorted(sent)


async def test_publishing_returns_at_once_while_the_handler_is_busy(bus: EventBus) -> None:
    release = asyncio.Event()

    async def answer(_: Message) -> None:
        await release.wait()

    async with listening(bus, "a.b", answer=answer) as listener:
        for number in range(3):
            bus.publish("a.b", b"%d" % number)
        await listener.heard(1)
        await asyncio.sleep(0.05)
        assert len(listener.messages) == 1  # one after another
        release.set()
        await listener.heard(3)


async def test_attached_bus_reports_no_failure(bus: EventBus) -> None:
    async with listening(bus, "a.b") as listener:
        bus.publish("a.b", b"1")
        await listener.heard(1)
        assert bus.failure is None


async def test_work_is_done_by_one_consumer_and_the_next_takes_over(
    meeting: Meeting, work_queue: WorkQueue
) -> None:
    async with (
        meeting.connect() as one,
        meeting.connect() as other,
        contextlib.AsyncExitStack() as stack,
    ):
        first = await stack.enter_async_context(listening(one, "a.b", work_queue=work_queue))
        async with listening(other, "a.b", work_queue=work_queue) as second:
            for number in range(5):
                one.publish("a.b", b"%d" % number)
            await first.heard(5)
            assert second.bodies == []
            await stack.aclose()
            other.publish("a.b", b"later")
            assert await second.heard(1) == [b"later"]
    assert len(first.bodies) == 5


async def test_work_waits_while_nobody_is_there(meeting: Meeting, work_queue: WorkQueue) -> None:
    async with meeting.connect() as bus, listening(bus, "witness", "a.b") as witness:
        async with listening(bus, "a.b", work_queue=work_queue):
            pass
        bus.publish("a.b", b"1")
        await witness.heard(1)
        async with listening(bus, "a.b", work_queue=work_queue) as listener:
            assert await listener.heard(1) == [b"1"]


async def test_failing_work_is_tried_so_often_and_then_becomes_a_dead_letter(
    meeting: Meeting, bus: EventBus, work_queue: WorkQueue
) -> None:
    async def answer(message: Message) -> None:
        if message.body == b"bad":
            await fail(message)

    async with listening(bus, "a.b", answer=answer, work_queue=work_queue) as listener:
        bus.publish("a.b", b"bad")
        bus.publish("a.b", b"good")
        assert await meeting.read_dead_letters(work_queue, 1) == [b"bad"]
        await listener.heard(4)
    assert [message.deliveries for message in listener.messages if message.body == b"bad"] == [1, 2, 3]
    assert listener.bodies.count(b"good") == 1


async def test_work_that_succeeds_at_last_is_no_dead_letter(
    meeting: Meeting, bus: EventBus, work_queue: WorkQueue
) -> None:
    async def answer(message: Message) -> None:
        if message.body == b"hard" and message.deliveries < 3:
            await fail(message)
        if message.body == b"bad":
            await refuse(message)

    async with listening(bus, "a.b", answer=answer, work_queue=work_queue) as listener:
        bus.publish("a.b", b"hard")
        await listener.heard(3)
        bus.publish("a.b", b"bad")
        assert await meeting.read_dead_letters(work_queue, 1) == [b"bad"]
    assert listener.bodies == [b"hard"] * 3 + [b"bad"]


async def test_work_that_is_not_understood_is_a_dead_letter_at_once(
    meeting: Meeting, bus: EventBus, work_queue: WorkQueue
) -> None:
    async with listening(bus, "a.b", answer=refuse, work_queue=work_queue) as listener:
        bus.publish("a.b", b"1")
        assert await meeting.read_dead_letters(work_queue, 1) == [b"1"]
    assert listener.bodies == [b"1"]


async def test_work_in_hand_at_the_end_goes_to_the_next_consumer(
    bus: EventBus, work_queue: WorkQueue
) -> None:
    async def never_end(_: Message) -> None:
        await asyncio.Event().wait()

    async with listening(bus, "a.b", answer=never_end, work_queue=work_queue) as first:
        bus.publish("a.b", b"1")
        await first.heard(1)
    async with listening(bus, "a.b", work_queue=work_queue) as second:
        assert await second.heard(1) == [b"1"]


async def test_slow_work_is_ended_and_tried_again(bus: EventBus, work_queue: WorkQueue) -> None:
    hasty = a_work_queue(work_queue.name, handler_seconds=0.05)

    async def answer(message: Message) -> None:
        await asyncio.sleep(0 if message.deliveries > 1 else 60)

    async with listening(bus, "a.b", answer=answer, work_queue=hasty) as listener:
        bus.publish("a.b", b"1")
        assert await listener.heard(2) == [b"1", b"1"]


async def test_work_and_instances_are_served_side_by_side(bus: EventBus, work_queue: WorkQueue) -> None:
    async with (
        listening(bus, "a.b", work_queue=work_queue) as worker,
        listening(bus, "a.*") as instance,
    ):
        bus.publish("a.b", b"1")
        assert await worker.heard(1) == await instance.heard(1) == [b"1"]

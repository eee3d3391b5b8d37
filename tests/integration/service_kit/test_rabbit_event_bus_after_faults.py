"""The broker down, killed, frozen, cut off, silent: publishers never wait, everything attaches again."""

import asyncio
import gc
import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from service_kit.event_bus import Message
from service_kit.rabbit_event_bus import open_rabbit_bus
from service_kit.telemetry import Telemetry
from support.event_listeners import a_work_queue, eventually, listening
from support.fault_proxy import FaultProxy
from support.metrics import sample
from support.nodes import free_ports
from support.server_nodes import RabbitServerNode
from support.servers import HASTY, RabbitServer

AT_ONCE_SECONDS = 8.0  # what would be waited for by mistake takes 20 s
SAFE_AGE_SECONDS = 2.0  # a younger quorum queue does not survive a crash of its node


@pytest.fixture
def node(rabbit_server: RabbitServer) -> Iterator[RabbitServerNode]:
    """Return the broker; it works again when the test is over."""
    node = rabbit_server.node
    yield node
    node.thaw()
    if not node.running:
        node.start()


@pytest.fixture
async def proxy(rabbit_server: RabbitServer) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(*rabbit_server.address) as proxy:
        yield proxy


async def test_bus_opens_and_closes_at_once_without_a_broker(rabbit_server: RabbitServer) -> None:
    telemetry = Telemetry("t")
    started = time.monotonic()
    settings = rabbit_server.settings(port=free_ports(1)[0], drain_seconds=20.0)
    async with open_rabbit_bus(settings, telemetry) as bus:
        bus.publish("a.b", b"1")
        assert time.monotonic() - started < AT_ONCE_SECONDS
        await eventually(lambda: sample(telemetry, "retries_total", neighbour="amqp") >= 1)
        assert bus.failure == "AMQPConnectionError"
        started = time.monotonic()
    assert time.monotonic() - started < AT_ONCE_SECONDS
    assert sample(telemetry, "events_published_total", routing_key="a.b", outcome="unsent") == 1


async def test_bus_attaches_when_the_broker_appears_and_sends_what_waited(
    rabbit_server: RabbitServer, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="service_kit")
    telemetry = Telemetry("t")
    settings = rabbit_server.settings()
    late = rabbit_server.settings(port=proxy.port, exchange=settings.exchange)
    proxy.refuse()
    async with (
        open_rabbit_bus(settings) as hearing,
        listening(hearing, "a.b") as listener,
        open_rabbit_bus(late, telemetry) as bus,
    ):
        for number in range(10):
            bus.publish("a.b", b"%d" % number)
        await eventually(lambda: sample(telemetry, "retries_total", neighbour="amqp") >= 3)
        assert sample(telemetry, "events_waiting") == 10
        proxy.heal()
        assert len(await listener.heard(10)) == 10
        await eventually(lambda: bus.failure is None)
    assert caplog.text.count("going on without the broker") == 1
    assert caplog.text.count("connected again") == 1


async def test_server_that_hangs_up_at_once_leaves_nothing_that_nobody_awaits(
    rabbit_server: RabbitServer,
) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    telemetry = Telemetry("t")
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    gc.disable()
    try:
        settings = rabbit_server.settings(port=server.sockets[0].getsockname()[1])
        async with server, open_rabbit_bus(settings, telemetry):
            await eventually(lambda: sample(telemetry, "retries_total", neighbour="amqp") >= 3)
        await asyncio.to_thread(gc.collect)  # where no loop runs; a warning is an error here
    finally:
        gc.enable()


async def test_only_the_newest_events_wait_for_a_broker_that_is_away(
    rabbit_server: RabbitServer, proxy: FaultProxy
) -> None:
    telemetry = Telemetry("t")
    settings = rabbit_server.settings()
    late = rabbit_server.settings(port=proxy.port, exchange=settings.exchange, max_waiting=3)
    proxy.refuse()
    async with (
        open_rabbit_bus(settings) as hearing,
        listening(hearing, "a.b") as listener,
        open_rabbit_bus(late, telemetry) as bus,
    ):
        for number in range(5):
            bus.publish("a.b", b"%d" % number)
        proxy.heal()
        assert sorted(await listener.heard(3)) == [b"2", b"3", b"4"]
    assert sample(telemetry, "events_published_total", routing_key="a.b", outcome="dropped") == 2


async def test_killed_broker_is_found_again_and_listeners_are_told(
    rabbit_server: RabbitServer, node: RabbitServerNode
) -> None:
    settings = rabbit_server.settings()
    work_queue = a_work_queue(f"test-{secrets.token_hex(6)}")
    telemetry = Telemetry("t")
    async with open_rabbit_bus(settings, telemetry) as bus, listening(bus, "change.*") as instance:
        async with listening(bus, "work", work_queue=work_queue):
            await asyncio.sleep(SAFE_AGE_SECONDS)
        bus.publish("work", b"to be done")
        await eventually(
            lambda: sample(telemetry, "events_published_total", routing_key="work", outcome="confirmed") == 1
        )
        node.kill()
        await eventually(lambda: bus.failure is not None)
        for number in range(50):
            bus.publish("work", b"meanwhile %d" % number)
        assert sample(telemetry, "events_waiting") == 50
        node.spawn()
        await asyncio.to_thread(node.wait_until_ready)
        await instance.attached(2)  # told, so that it looks itself for what it missed
        async with listening(bus, "work", work_queue=work_queue) as worker:
            await worker.heard(51)
            bus.publish("change.applied", b"afterwards")
            assert await instance.heard(1) == [b"afterwards"]
    assert worker.bodies[0] == b"to be done"
    assert len(set(worker.bodies)) == 51


async def test_frozen_broker_holds_up_nobody_and_works_again_when_thawed(
    rabbit_server: RabbitServer, node: RabbitServerNode
) -> None:
    settings = rabbit_server.settings(**HASTY)
    async with open_rabbit_bus(settings) as bus, listening(bus, "a.b") as listener:
        bus.publish("a.b", b"before")
        await listener.heard(1)
        await eventually(lambda: bus.failure is None)
        node.freeze()
        bus.publish("a.b", b"meanwhile")
        assert bus.failure is None  # nobody has waited until that was noticed
        await eventually(lambda: bus.failure is not None)
        node.thaw()
        await eventually(lambda: b"meanwhile" in listener.bodies)
        bus.publish("a.b", b"after")
        await eventually(lambda: b"after" in listener.bodies)


async def test_frozen_broker_does_not_hold_up_the_end(
    rabbit_server: RabbitServer, node: RabbitServerNode
) -> None:
    before = asyncio.all_tasks()
    telemetry = Telemetry("t")
    settings = rabbit_server.settings(**HASTY)
    async with open_rabbit_bus(settings, telemetry) as bus, listening(bus, "a.b") as listener:
        bus.publish("a.b", b"1")
        await listener.heard(1)
        node.freeze()
        bus.publish("a.b", b"2")
        started = time.monotonic()
    assert time.monotonic() - started < 20  # without limits it would not end
    assert sample(telemetry, "events_published_total", routing_key="a.b", outcome="unsent") == 1
    node.thaw()
    await eventually(lambda: asyncio.all_tasks() <= before)


async def test_broker_frozen_from_the_start_does_not_hold_up_the_end(
    rabbit_server: RabbitServer, node: RabbitServerNode
) -> None:
    before = asyncio.all_tasks()
    node.freeze()
    settings = rabbit_server.settings(**{**HASTY, "drain_seconds": 60.0})
    async with open_rabbit_bus(settings) as bus:
        bus.publish("a.b", b"1")
        await eventually(lambda: bus.failure == "TimeoutError")
        started = time.monotonic()
    assert time.monotonic() - started < 20
    await eventually(lambda: asyncio.all_tasks() <= before)


async def test_black_hole_is_noticed_by_a_listener_that_only_waits(
    rabbit_server: RabbitServer, proxy: FaultProxy
) -> None:
    settings = rabbit_server.settings()
    through_proxy = rabbit_server.settings(port=proxy.port, exchange=settings.exchange, **HASTY)
    async with (
        open_rabbit_bus(settings) as publishing,
        open_rabbit_bus(through_proxy) as bus,
        listening(bus, "a.b") as listener,
    ):
        proxy.blackhole()
        publishing.publish("a.b", b"lost")
        await eventually(lambda: bus.failure is not None)
        proxy.heal()
        await listener.attached(2)
        publishing.publish("a.b", b"heard")
        await eventually(lambda: b"heard" in listener.bodies)


async def test_cut_connection_is_made_anew_at_once(rabbit_server: RabbitServer, proxy: FaultProxy) -> None:
    settings = rabbit_server.settings(port=proxy.port)
    async with open_rabbit_bus(settings) as bus, listening(bus, "a.b") as listener:
        proxy.refuse()
        proxy.heal()
        await listener.attached(2)
        bus.publish("a.b", b"1")
        assert await listener.heard(1) == [b"1"]


async def test_work_whose_acknowledgement_is_lost_comes_again(
    rabbit_server: RabbitServer, proxy: FaultProxy
) -> None:
    work_queue = a_work_queue(f"test-{secrets.token_hex(6)}")

    async def cut_first(message: Message) -> None:
        if message.deliveries == 1:
            proxy.refuse()
            proxy.heal()

    async with (
        open_rabbit_bus(rabbit_server.settings(port=proxy.port)) as bus,
        listening(bus, "a.b", work_queue=work_queue, answer=cut_first) as listener,
    ):
        await eventually(lambda: bus.failure is None)
        bus.publish("a.b", b"1")
        await listener.heard(2)
    assert [message.deliveries for message in listener.messages[:2]] == [1, 2]


async def test_confirmation_that_is_lost_sends_the_event_again(
    rabbit_server: RabbitServer, proxy: FaultProxy
) -> None:
    telemetry = Telemetry("t")
    settings = rabbit_server.settings()
    through_proxy = rabbit_server.settings(port=proxy.port, exchange=settings.exchange, **HASTY)
    async with (
        open_rabbit_bus(settings) as hearing,
        listening(hearing, "a.b") as listener,
        open_rabbit_bus(through_proxy, telemetry) as bus,
    ):
        await eventually(lambda: bus.failure is None)
        proxy.lose_answers(1, "silence")
        bus.publish("a.b", b"1")
        await eventually(
            lambda: sample(telemetry, "events_published_total", routing_key="a.b", outcome="confirmed") == 1
        )
        assert set(await listener.heard(2)) == {b"1"}  # hence handlers are idempotent

"""The event bus on a broker that works: what is counted, how it ends, and what its users may do wrong."""

import asyncio
import logging
import secrets
import time

import pytest
from aio_pika.exceptions import ChannelClosed
from pydantic import SecretStr
from yarl import URL

from service_kit.amqp_session import AmqpSession
from service_kit.background import running
from service_kit.event_bus_metrics import EventBusMetrics
from service_kit.rabbit_event_bus import open_rabbit_bus
from service_kit.telemetry import Telemetry
from support.amqp_probe import broker_channel
from support.event_listeners import a_work_queue, eventually, listening
from support.metrics import sample
from support.servers import RabbitServer


def published(telemetry: Telemetry, routing_key: str, outcome: str) -> float:
    return sample(telemetry, "events_published_total", routing_key=routing_key, outcome=outcome)


async def test_confirmed_and_unheard_events_are_counted_apart(rabbit_server: RabbitServer) -> None:
    telemetry = Telemetry("t")
    async with open_rabbit_bus(rabbit_server.settings(), telemetry) as bus, listening(bus, "a.b") as listener:
        bus.publish("a.b", b"1")
        bus.publish("nobody.listens", b"2")
        await listener.heard(1)
        await eventually(lambda: published(telemetry, "nobody.listens", "unheard") == 1)
        await eventually(lambda: published(telemetry, "a.b", "confirmed") == 1)
        assert sample(telemetry, "event_bus_attached", session="publisher") == 1
        assert sample(telemetry, "events_waiting") == 0
        assert sample(telemetry, "retries_total", neighbour="amqp") == 0


async def test_handled_failed_and_invalid_messages_are_counted_apart(rabbit_server: RabbitServer) -> None:
    telemetry = Telemetry("t")
    settings = rabbit_server.settings()

    async def answer(_: object) -> None:
        raise RuntimeError

    async with open_rabbit_bus(settings, telemetry) as bus, listening(bus, "a.b", answer=answer):
        bus.publish("a.b", b"1")
        await eventually(
            lambda: sample(telemetry, "events_received_total", subscription="instance", outcome="failed") == 1
        )


async def test_last_events_before_the_end_are_sent(rabbit_server: RabbitServer) -> None:
    settings = rabbit_server.settings()
    async with open_rabbit_bus(settings) as hearing, listening(hearing, "a.b") as listener:
        async with open_rabbit_bus(settings) as short_lived:
            for number in range(100):
                short_lived.publish("a.b", b"%d" % number)
        assert len(await listener.heard(100)) == 100


async def test_closed_bus_takes_nothing_more_and_counts_it(rabbit_server: RabbitServer) -> None:
    telemetry = Telemetry("t")
    async with open_rabbit_bus(rabbit_server.settings(), telemetry) as bus:
        pass
    bus.publish("a.b", b"1")
    assert published(telemetry, "a.b", "dropped") == 1


async def test_closing_is_quick_and_leaves_no_task_behind(rabbit_server: RabbitServer) -> None:
    before = asyncio.all_tasks()
    settings = rabbit_server.settings(close_timeout_seconds=20.0, drain_seconds=20.0)
    async with open_rabbit_bus(settings) as bus, listening(bus, "a.b"):
        await eventually(lambda: bus.failure is None)
        started = time.monotonic()
    assert time.monotonic() - started < 8  # less than one of these limits
    await eventually(lambda: asyncio.all_tasks() <= before)


async def test_queue_of_an_instance_is_gone_with_it(rabbit_server: RabbitServer) -> None:
    telemetry = Telemetry("t")
    settings = rabbit_server.settings()
    async with open_rabbit_bus(settings, telemetry) as bus:
        async with listening(bus, "a.b"):
            pass
        bus.publish("a.b", b"1")
        await eventually(lambda: published(telemetry, "a.b", "unheard") == 1)


async def test_refused_event_is_given_up_and_the_others_get_through(rabbit_server: RabbitServer) -> None:
    telemetry = Telemetry("t")
    settings = rabbit_server.settings(max_tries=3)
    async with (
        broker_channel(settings) as channel,
        open_rabbit_bus(settings, telemetry) as bus,
        listening(bus, "good") as listener,
    ):
        full = await channel.declare_queue(
            f"full-{secrets.token_hex(6)}",
            exclusive=True,
            arguments={"x-max-length": 1, "x-overflow": "reject-publish"},
        )
        await full.bind(settings.exchange, "bad")
        bus.publish("bad", b"1")
        await eventually(lambda: published(telemetry, "bad", "confirmed") == 1)
        bus.publish("bad", b"2")
        await eventually(lambda: published(telemetry, "bad", "refused") == 1)
        bus.publish("good", b"3")
        assert await listener.heard(1) == [b"3"]
        await eventually(lambda: bus.failure is None)
    assert sample(telemetry, "retries_total", neighbour="amqp") >= 3  # each time on a new channel


async def test_deleted_queue_is_made_anew(rabbit_server: RabbitServer) -> None:
    settings = rabbit_server.settings()
    work_queue = a_work_queue(f"test-{secrets.token_hex(6)}")
    async with open_rabbit_bus(settings) as bus, listening(bus, "a.b", work_queue=work_queue) as listener:
        async with broker_channel(settings) as channel:
            await channel.queue_delete(work_queue.name)
        await listener.attached(2)
        bus.publish("a.b", b"1")
        assert await listener.heard(1) == [b"1"]


async def test_wrong_password_is_reported_once_and_never_shown(
    rabbit_server: RabbitServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = SecretStr(str(URL(rabbit_server.url).with_password("wrong-secret")))
    settings = rabbit_server.settings(url=url)
    telemetry = Telemetry("t")
    caplog.set_level(logging.INFO, logger="service_kit")
    async with open_rabbit_bus(settings, telemetry) as bus:
        await eventually(lambda: sample(telemetry, "retries_total", neighbour="amqp") >= 2)
        assert bus.failure is not None
        assert "wrong-secret" not in bus.failure
    reports = [record for record in caplog.records if "going on without the broker" in record.message]
    assert len(reports) == 1
    assert "wrong-secret" not in caplog.text


async def test_exchange_of_another_kind_is_reported_not_raised(rabbit_server: RabbitServer) -> None:
    settings = rabbit_server.settings()
    async with broker_channel(settings) as channel:
        exchange = await channel.declare_exchange(settings.exchange, "fanout", durable=True)
        async with open_rabbit_bus(settings) as bus:
            bus.publish("a.b", b"1")
            await eventually(lambda: bus.failure == "ChannelPreconditionFailed")
        await exchange.delete()


async def test_broken_handler_of_attachments_does_not_end_the_bus(rabbit_server: RabbitServer) -> None:
    calls = []

    def on_attached() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError

    async def handle(_: object) -> None:
        calls.append(2)

    async with (
        open_rabbit_bus(rabbit_server.settings()) as bus,
        bus.subscribe(("a.b",), handle, on_attached=on_attached),
    ):
        await eventually(lambda: len(calls) == 2)
        bus.publish("a.b", b"1")
        await eventually(lambda: len(calls) == 3)


async def test_future_that_the_driver_cancelled_does_not_end_the_session(rabbit_server: RabbitServer) -> None:
    """The driver fails what waits on a dead connection with `CancelledError`, though nobody cancelled."""
    tries = []

    async def work(_: object) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise asyncio.CancelledError
        session.attached()
        await asyncio.Event().wait()

    session = AmqpSession("test", rabbit_server.settings(), EventBusMetrics(), work)
    async with running(session.run()):
        await eventually(lambda: session.failure is None)
    assert len(tries) == 2


async def test_two_systems_on_one_broker_do_not_hear_each_other(rabbit_server: RabbitServer) -> None:
    async with (
        open_rabbit_bus(rabbit_server.settings()) as one,
        open_rabbit_bus(rabbit_server.settings()) as other,
        listening(one, "#") as first,
        listening(other, "#") as second,
    ):
        one.publish("a.b", b"1")
        other.publish("a.b", b"2")
        assert (await first.heard(1), await second.heard(1)) == ([b"1"], [b"2"])


async def test_work_queue_needs_no_exclusive_right(rabbit_server: RabbitServer) -> None:
    """A second process must be able to declare the same queue: equal arguments, not exclusive."""
    settings = rabbit_server.settings()
    work_queue = a_work_queue(f"test-{secrets.token_hex(6)}")
    async with (
        open_rabbit_bus(settings) as bus,
        listening(bus, "a.b", work_queue=work_queue),
        broker_channel(settings) as channel,
    ):
        await channel.get_queue(work_queue.name, ensure=True)
        with pytest.raises(ChannelClosed):  # other arguments are refused: nobody changes the rules unseen
            await channel.declare_queue(work_queue.name, durable=True)

"""A session with a broker ends when it is told to, whatever it does just then."""

import asyncio

from aio_pika.abc import AbstractChannel
from pydantic import SecretStr

from service_kit.amqp_session import AmqpSession
from service_kit.event_bus_metrics import EventBusMetrics
from service_kit.settings import AmqpSettings
from support.nodes import free_ports

MOMENTS = 60
"""Turns of the event loop; a try to connect takes fewer."""


async def wait_for_ever(_: AbstractChannel) -> None:
    await asyncio.Event().wait()


async def test_session_without_a_broker_ends_at_whatever_moment_it_is_cancelled() -> None:
    url = SecretStr(f"amqp://127.0.0.1:{free_ports(1)[0]}/")
    settings = AmqpSettings(url=url, first_pause_seconds=0.001, max_pause_seconds=0.001)
    for moment in range(10 * MOMENTS):
        session = AmqpSession("test", settings, EventBusMetrics(), wait_for_ever)
        task = asyncio.create_task(session.run())
        for _ in range(moment % MOMENTS):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=20)
        assert task.cancelled(), moment % MOMENTS

"""Looks into a broker directly, past the event bus."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aio_pika
from aio_pika.abc import AbstractChannel

from service_kit.event_bus import WorkQueue
from service_kit.settings import AmqpSettings


@contextlib.asynccontextmanager
async def broker_channel(settings: AmqpSettings) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(settings.url.get_secret_value(), timeout=30)
    async with connection, connection.channel() as channel:
        yield channel


async def read_dead_letters(settings: AmqpSettings, work_queue: WorkQueue, count: int) -> list[bytes]:
    """Return so many bodies of messages that were given up, and one more if there is one."""
    async with broker_channel(settings) as channel:
        queue = await channel.get_queue(work_queue.dead_letters, ensure=True)
        bodies: list[bytes] = []
        async with asyncio.timeout(60):
            while len(bodies) < count:
                message = await queue.get(fail=False, no_ack=True)
                if message is None:
                    await asyncio.sleep(0.02)
                else:
                    bodies.append(message.body)
        more = await queue.get(fail=False, no_ack=True)
    return [*bodies, more.body] if more else bodies

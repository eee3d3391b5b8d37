"""Events that come twice, late, in the wrong order, from nowhere, or not at all."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage

from chaos.arena import Arena, Outcome
from chaos.scenarios import Extent, judge_readings

EXCHANGE = "horde.model_reference"
ECHO = "x-chaos-echo"
RUBBISH = (b"", b"{", b"[]", b'{"event_id": 7}', b"\xff\xfe", b'{"sequence": -1, "revision": "x"}')


async def events_go_wrong(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Repeat every event up to three times, later and out of order; send rubbish, and news of the future."""
    load = arena.load()
    async with (
        load.running(arena.read_urls),
        _echo(arena.stack.neighbours.rabbit.url, arena.chance) as counts,
    ):
        await asyncio.sleep(3 * extent.fault_seconds)
    outcome.figures["events"] = counts
    if not counts["heard"]:
        outcome.problems.append("no event was published at all")
    judge_readings(load.readings, outcome)


@contextlib.asynccontextmanager
async def _echo(url: str, chance: random.Random) -> AsyncIterator[dict[str, int]]:
    counts = {"heard": 0, "repeated": 0, "rubbish": 0}
    pending: set[asyncio.Task[None]] = set()
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(EXCHANGE)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "#")

        async def repeat(message: AbstractIncomingMessage) -> None:
            if ECHO in message.headers:
                return
            counts["heard"] += 1
            for body in (message.body, message.body, _future(message.body), chance.choice(RUBBISH)):
                task = asyncio.create_task(later(body, message.routing_key or ""))
                pending.add(task)
                task.add_done_callback(pending.discard)

        async def later(body: bytes, routing_key: str) -> None:
            await asyncio.sleep(chance.uniform(0, 1.5))
            await _publish(exchange, body, routing_key)
            counts["rubbish" if body in RUBBISH else "repeated"] += 1

        await queue.consume(repeat, no_ack=True)
        try:
            yield counts
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)


async def _publish(exchange: AbstractExchange, body: bytes, routing_key: str) -> None:
    message = aio_pika.Message(body, headers={ECHO: 1}, content_type="application/json")
    await exchange.publish(message, routing_key, mandatory=False)


def _future(body: bytes) -> bytes:
    """Return the event as if it spoke of something that is not in the journal yet."""
    event = json.loads(body)
    for name in ("sequence", "revision"):
        if isinstance(event.get(name), int):
            event[name] += 1000
    return json.dumps(event).encode()

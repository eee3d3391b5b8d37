"""One channel to an AMQP broker with a piece of work on it, kept up as long as it is wanted.

The driver's own way of reconnecting keeps channels that a broker refuses for good (a nack after a queue lost
its leader), and can wait without an end for a broker that is frozen. So every piece of work has a connection
of its own, and whatever goes wrong with it ends in a new one.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

from service_kit.event_bus_metrics import EventBusMetrics
from service_kit.event_delivery import being_cancelled
from service_kit.retry import RetryPolicy
from service_kit.settings import AmqpSettings

Work = Callable[[AbstractChannel], Awaitable[None]]

STEADY_SECONDS: Final = 10.0  # what lasted that long was no failed try
GIVE_UP_TRIES: Final = 5

log = logging.getLogger(__name__)


class ConnectionLost(Exception):
    """The channel is gone, and the work on it with it."""


class AmqpSession:
    """Runs `work` on a fresh channel, and again on another one whenever it or the channel ends.

    Confirms are on, and a message that cannot be routed raises. The work says by `attached()` that it has
    all that it needs from the broker.
    """

    def __init__(self, name: str, settings: AmqpSettings, metrics: EventBusMetrics, work: Work) -> None:
        self.name = name
        self.failure: str | None = "not connected yet"
        self._settings = settings
        self._metrics = metrics
        self._work = work
        self.given_up = False  # whether the last try failed
        self._reported: str | None = None
        self._retry = RetryPolicy(
            first_pause_seconds=settings.first_pause_seconds, max_pause_seconds=settings.max_pause_seconds
        )

    def attached(self) -> None:
        """Note that everything works."""
        if self._reported is not None:
            log.info("event bus, %s: connected again", self.name)
        self.failure = self._reported = None
        self.given_up = False
        self._metrics.attached(self.name, yes=True)

    async def run(self) -> None:
        """Keep the work going until cancelled."""
        loop, tries = asyncio.get_running_loop(), 0
        self._metrics.attached(self.name, yes=False)
        while True:
            started = loop.time()
            error = await self._run_once()
            if being_cancelled():  # while it connects the driver makes an error of that
                raise asyncio.CancelledError from error
            self._note_failure(error)
            tries = 1 if loop.time() - started > STEADY_SECONDS else tries + 1
            await asyncio.sleep(self._retry.pause_seconds(tries))
            self._metrics.reconnecting()

    async def _run_once(self) -> Exception:
        try:
            async with self._open_channel() as channel:
                await self._run_on(channel)
        except asyncio.CancelledError:
            return ConnectionLost("the driver gave it up")
        except Exception as error:  # noqa: BLE001 - top of a background loop: the next try may succeed
            return error
        return ConnectionLost("the broker closed it")

    async def _run_on(self, channel: AbstractChannel) -> None:
        working = asyncio.ensure_future(self._work(channel))
        closed = asyncio.ensure_future(channel.closed())
        try:
            await asyncio.wait({working, closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closed.cancel()
            was_done = working.done()
            working.cancel()
            await asyncio.wait({working})
            if not was_done and not working.cancelled():
                working.exception()  # an echo of the lost channel
        if was_done:
            working.result()

    @contextlib.asynccontextmanager
    async def _open_channel(self) -> AsyncIterator[AbstractChannel]:
        timeout = self._settings.connect_timeout_seconds
        async with asyncio.timeout(timeout + 1):  # the driver's own time limit leaves out a last step
            connection = await aio_pika.connect(
                self._settings.url.get_secret_value(),
                timeout=timeout,
                heartbeat=self._settings.heartbeat_seconds,
                connection_class=_Connection,
                client_properties={"connection_name": f"{self._metrics.service} {self.name}".strip()},
            )
        try:
            async with asyncio.timeout(timeout):
                channel = await connection.channel(on_return_raises=True)
            yield channel
        finally:
            await close_bounded(connection, self._settings.close_timeout_seconds)

    def _note_failure(self, error: Exception) -> None:
        self.given_up = True
        self.failure = type(error).__name__  # shown to clients: no address, no text of the broker
        self._metrics.attached(self.name, yes=False)
        reason = f"{type(error).__name__}: {error}"
        if reason != self._reported:  # once for each reason, not at every try
            log.warning("event bus, %s: going on without the broker: %s", self.name, reason)
        self._reported = reason


class _Connection(aio_pika.Connection):
    """The driver's, but what never was open is not closed when it is collected as garbage.

    The driver would begin to, in whichever thread that happens; without a loop nobody goes on with it.
    """

    def __del__(self) -> None:
        if getattr(self, "transport", None) is not None:
            super().__del__()


async def declare_topics(channel: AbstractChannel, name: str) -> AbstractExchange:
    """Make the exchange of all events, if it is not there yet."""
    return await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True)


async def close_bounded(connection: AbstractConnection, timeout_seconds: float) -> None:
    """Close a connection, or leave it after that time: a frozen broker does not answer."""
    closing = asyncio.ensure_future(connection.close())
    try:
        await asyncio.wait({closing}, timeout=timeout_seconds)
    finally:
        for _ in range(GIVE_UP_TRIES):  # the driver goes on tidying up after a cancellation
            if closing.done():
                break
            closing.cancel()
            await asyncio.wait({closing}, timeout=0.1)
        if closing.done() and not closing.cancelled():
            closing.exception()

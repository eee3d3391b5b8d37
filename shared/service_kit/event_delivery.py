"""Hands one message to a handler, whatever the handler does."""

import asyncio
import logging
from collections.abc import Callable

from service_kit.event_bus import Handler, Message, MessageInvalid
from service_kit.event_bus_metrics import Received
from service_kit.event_cause import cause_of
from service_kit.log_context import acting_on

HANDLER_SECONDS = 30.0  # of a subscription without a work queue

log = logging.getLogger(__name__)


async def deliver(
    message: Message,
    handler: Handler,
    timeout_seconds: float = HANDLER_SECONDS,
    *,
    note_lag: Callable[[float], None] = lambda _: None,
) -> Received:
    """Return how it went. Raises nothing but the cancellation of the caller.

    `note_lag` is told how many seconds ago it happened what the message tells of; not if it comes again.
    """
    cause, lag_seconds = cause_of(message)
    if lag_seconds is not None and message.deliveries == 1:
        note_lag(lag_seconds)
    with acting_on(cause):
        return await _handle(message, handler, timeout_seconds)


async def _handle(message: Message, handler: Handler, timeout_seconds: float) -> Received:
    try:
        async with asyncio.timeout(timeout_seconds):
            await handler(message)
    except MessageInvalid as error:
        log.warning("%s is not understood: %s", message.routing_key, error)
        return Received.invalid
    except asyncio.CancelledError:
        if being_cancelled():
            raise
        log.warning("%s: what the handler waited for was cancelled", message.routing_key)
        return Received.failed
    except Exception:
        log.exception("%s: the handler failed, delivery %d", message.routing_key, message.deliveries)
        return Received.failed
    return Received.handled


def being_cancelled() -> bool:
    """Return whether somebody wants the current task to end.

    A `CancelledError` says that too, but it also comes out of futures that were cancelled or, by the AMQP
    driver, failed with it.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

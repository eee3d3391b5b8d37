"""One message and a handler that may do anything."""

import asyncio
import logging

import pytest

from service_kit.event_bus import Message, MessageInvalid
from service_kit.event_bus_metrics import Received
from service_kit.event_delivery import being_cancelled, deliver

MESSAGE = Message("a.b", b"secret body", 2)


async def test_handler_that_returns_has_handled_the_message() -> None:
    handled = []

    async def handle(message: Message) -> None:
        handled.append(message)

    assert await deliver(MESSAGE, handle) is Received.handled
    assert handled == [MESSAGE]


async def test_failure_is_logged_with_its_trace_and_without_the_body(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handle(_: Message) -> None:
        raise KeyError("broken")

    assert await deliver(MESSAGE, handle) is Received.failed
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert "a.b" in caplog.text
    assert "secret body" not in caplog.text


async def test_message_that_is_not_understood_is_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    async def handle(_: Message) -> None:
        raise MessageInvalid("no sequence")

    assert await deliver(MESSAGE, handle) is Received.invalid
    assert "no sequence" in caplog.text


async def test_handler_that_hangs_is_ended() -> None:
    ended = asyncio.Event()

    async def handle(_: Message) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    assert await deliver(MESSAGE, handle, timeout_seconds=0.01) is Received.failed
    assert ended.is_set()


async def test_cancelled_wait_inside_of_the_handler_is_a_failure() -> None:
    async def handle(_: Message) -> None:
        raise asyncio.CancelledError

    assert await deliver(MESSAGE, handle) is Received.failed
    assert not being_cancelled()


async def test_cancellation_of_the_consumer_goes_through() -> None:
    async def handle(_: Message) -> None:
        await asyncio.Event().wait()

    consumer = asyncio.create_task(deliver(MESSAGE, handle))
    await asyncio.sleep(0)
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer

"""Calls to Redis end when they are cancelled, whatever the driver makes of it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from service_kit.redis_calls import RedisCalls
from service_kit.settings import RedisSettings

Call = Callable[[], Awaitable[str]]


async def loses_the_cancellation() -> str:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return "a result that came in the same moment"
    return "never"


async def fails_when_cancelled() -> str:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError as error:
        raise RedisConnectionError from error
    return "never"


async def answers() -> str:
    await asyncio.sleep(0)
    return "an answer"


@pytest.mark.parametrize("call", [loses_the_cancellation, fails_when_cancelled])
async def test_cancellation_that_the_driver_loses_is_not_lost(call: Call) -> None:
    calls = RedisCalls("test", RedisSettings(call_timeout_seconds=60))
    task = asyncio.create_task(calls.run("get", call))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_call_made_while_tidying_up_after_a_cancellation_is_carried_out() -> None:
    calls = RedisCalls("test", RedisSettings())
    outcomes: list[str | None] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            outcomes.append(await calls.run("release", answers))

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert outcomes == ["an answer"]


async def test_call_that_takes_too_long_is_no_cancellation() -> None:
    calls = RedisCalls("test", RedisSettings(call_timeout_seconds=0.01))
    assert await calls.run("get", loses_the_cancellation) is not None
    assert await calls.run("get", lambda: asyncio.sleep(60, "never")) is None

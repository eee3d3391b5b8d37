"""Work beside something else ends with it, and does not end unnoticed before."""

import asyncio
import logging

import pytest

from service_kit.background import running, said_loudly

log = logging.getLogger("test")


async def test_work_goes_on_until_the_end_of_the_context_and_no_longer() -> None:
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async with running(work("a"), work("b")):
        await asyncio.sleep(0)
        assert ended == []
    assert sorted(ended) == ["a", "b"]


async def test_work_is_broken_off_when_the_body_fails() -> None:
    tasks: list[asyncio.Task[None]] = []
    with pytest.raises(LookupError):
        async with running(asyncio.Event().wait(), on_end=tasks.append):  # type: ignore[arg-type]
            raise LookupError
    assert [task.cancelled() for task in tasks] == [True]


async def test_work_that_fails_is_said_loudly_and_work_that_is_broken_off_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise LookupError("a bug")

    async def wait() -> None:
        await asyncio.Event().wait()

    async with running(fail(), wait(), on_end=said_loudly(log, "it has ended")):
        await asyncio.sleep(0.01)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("CRITICAL", "it has ended: a bug")
    ]

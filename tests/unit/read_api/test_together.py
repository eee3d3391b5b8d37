import asyncio

import pytest

from read_api.replica.together import together


async def test_results_come_in_order() -> None:
    async def wait(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert await together(wait(turns) for turns in (3, 0, 2)) == [3, 0, 2]
    assert await together([]) == []


async def test_a_failure_ends_the_others() -> None:
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    async def fail() -> None:
        await asyncio.sleep(0)
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await together([work("a"), fail(), work("b")])
    assert ended == ["a", "b"]


async def test_giving_up_ends_everything() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    task = asyncio.create_task(together([work(), work()]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["work", "work"]

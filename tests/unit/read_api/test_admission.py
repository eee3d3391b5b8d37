import asyncio

import pytest

from read_api.admission import Admission, Busy


async def enter(admission: Admission, leave: asyncio.Event, inside: list[int], number: int) -> None:
    async with admission:
        inside.append(number)
        await leave.wait()


async def test_some_run_some_wait_and_the_rest_is_refused() -> None:
    admission, leave, inside = Admission(running=2, waiting=1), asyncio.Event(), list[int]()
    tasks = [asyncio.create_task(enter(admission, leave, inside, number)) for number in range(3)]
    await asyncio.sleep(0)

    assert inside == [0, 1]
    with pytest.raises(Busy):
        await admission.__aenter__()
    leave.set()
    await asyncio.gather(*tasks)
    assert inside == [0, 1, 2]


async def test_one_who_gave_up_waiting_leaves_its_place() -> None:
    admission, leave, inside = Admission(running=1, waiting=1), asyncio.Event(), list[int]()
    tasks = [asyncio.create_task(enter(admission, leave, inside, number)) for number in range(2)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)
    leave.set()
    await tasks[0]

    async with asyncio.timeout(1):
        await enter(admission, leave, inside, 2)
    assert inside == [0, 2]

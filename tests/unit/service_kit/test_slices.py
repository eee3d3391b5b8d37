import asyncio
import threading
from collections.abc import Iterator

import pytest

from service_kit.slices import OnDemand, Steps, Workshop, run_now


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop()
    yield workshop
    workshop.close()


def counting(steps: int, log: list[int]) -> Steps[str]:
    for number in range(steps):
        log.append(number)
        yield
    return "done"


def test_running_now_gives_the_result_after_all_steps() -> None:
    log: list[int] = []

    assert run_now(counting(3, log)) == "done"
    assert log == [0, 1, 2]


async def test_running_in_slices_gives_the_result_after_all_steps(workshop: Workshop) -> None:
    log: list[int] = []

    assert await workshop.run(counting(300, log), slice_seconds=0.0001) == "done"
    assert log == list(range(300))


async def test_the_loop_runs_between_slices_and_the_work_elsewhere(workshop: Workshop) -> None:
    threads: set[int] = set()
    ticks = 0

    def steps() -> Steps[None]:
        for _ in range(50):
            threads.add(threading.get_ident())
            until = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop)
            yield
            until.result(timeout=5)  # would never come if the loop did not run

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    loop = asyncio.get_running_loop()
    ticking = asyncio.create_task(tick())
    await workshop.run(steps(), slice_seconds=0.0)
    ticking.cancel()

    assert ticks > 10
    assert threading.get_ident() not in threads


async def test_an_error_in_a_step_reaches_the_caller(workshop: Workshop) -> None:
    def failing() -> Steps[None]:
        yield
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        await workshop.run(failing())


async def test_a_value_on_demand_is_computed_once_for_all_who_ask(workshop: Workshop) -> None:
    log: list[int] = []
    value = OnDemand(lambda: counting(20, log))

    results = await asyncio.gather(*(value.get(workshop) for _ in range(5)))

    assert results == ["done"] * 5
    assert await value.get(workshop) == "done"
    assert log == list(range(20))


async def test_a_failed_computation_is_tried_again_by_the_next_caller(workshop: Workshop) -> None:
    attempts: list[int] = []

    def steps() -> Steps[str]:
        attempts.append(1)
        yield
        if len(attempts) == 1:
            raise LookupError("lost")
        return "found"

    value = OnDemand(steps)

    with pytest.raises(LookupError):
        await value.get(workshop)
    assert await value.get(workshop) == "found"


async def test_a_caller_that_gives_up_does_not_stop_the_computation_for_others(workshop: Workshop) -> None:
    started, may_end = threading.Event(), threading.Event()

    def steps() -> Steps[str]:
        started.set()
        yield
        may_end.wait(timeout=5)
        yield
        return "done"

    value = OnDemand(steps)
    impatient = asyncio.create_task(value.get(workshop))
    await asyncio.to_thread(started.wait, 5)
    impatient.cancel()
    patient = asyncio.create_task(value.get(workshop))
    await asyncio.sleep(0)
    may_end.set()

    assert await patient == "done"
    with pytest.raises(asyncio.CancelledError):
        await impatient

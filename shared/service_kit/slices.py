"""Long computations in short slices, so that a running event loop stays responsive.

A computation is a generator that yields wherever it may be interrupted and returns its result. A worker
thread advances it for about a millisecond at a time; between two slices the loop serves requests without
competing for the interpreter lock.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]

SLICE_SECONDS: Final = 0.001


def run_now(steps: Steps[T]) -> T:
    """Run to the end in the calling thread and return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result


class Workshop:
    """The thread in which pages are made, apart from the event loop.

    It is one thread because the allocator keeps memory for each: with a pool the process grew to 140 MB over
    ten revisions of the real catalogue, with one thread it stayed at 90 MB.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pages")

    async def run(self, steps: Steps[T], *, slice_seconds: float = SLICE_SECONDS) -> T:
        """Run to the end, one slice after the other, and return the result."""
        loop = asyncio.get_running_loop()
        results: list[T] = []
        while not results:
            await loop.run_in_executor(self._thread, _advance, steps, slice_seconds, results)
        return results[0]

    def close(self) -> None:
        """End the thread after its current slice; nothing can be run afterwards."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _advance(steps: Steps[T], slice_seconds: float, results: list[T]) -> None:
    deadline = time.perf_counter() + slice_seconds
    while True:
        try:
            next(steps)
        except StopIteration as stop:  # must not leave a thread: a future cannot carry it
            results.append(stop.value)
            return
        if time.perf_counter() >= deadline:
            return


class OnDemand(Generic[T]):
    """A value that is computed once, in slices, when it is first asked for.

    Everybody who asks meanwhile waits for the same computation; one that fails is tried again by the next.
    """

    def __init__(self, make_steps: Callable[[], Steps[T]]) -> None:
        self._make_steps = make_steps
        self._computation: asyncio.Task[T] | None = None

    async def get(self, workshop: Workshop) -> T:
        """Return the value. Raises what the computation raises."""
        computation = self._computation
        if computation is None or (computation.done() and _failed(computation)):
            computation = asyncio.create_task(workshop.run(self._make_steps()))
            self._computation = computation
        return await asyncio.shield(computation)  # one caller that gives up must not stop it for the others


def _failed(computation: asyncio.Task[T]) -> bool:
    return computation.cancelled() or computation.exception() is not None

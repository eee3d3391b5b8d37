"""Asynchronous work for callers that wait for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from horde_model_reference.replica.loop_thread import shared_loop_thread

T = TypeVar("T")


def run_blocking(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do the work and return what it returns, or raise what it raises.

    Where no event loop runs it is done by the calling thread, so that an interrupt and what the caller's
    functions raise come out as they are; the thread's own loop, if it has one, is not touched. Where one runs
    it stands still meanwhile, as with every blocking call.
    """
    if _runs_a_loop():
        return shared_loop_thread().run(make)
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(make())


def _runs_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

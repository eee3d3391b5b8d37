"""Threads for blocking work that the interpreter does not wait for."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

Given = ParamSpec("Given")
T = TypeVar("T")

MOST_THREADS: Final = 16


class DaemonThreads(ThreadPoolExecutor):
    """Runs calls in daemon threads that end when there is nothing more to do.

    The threads of the base class, whose interface event loops ask for, are joined at the end of the program
    whatever they do: the look-up of a host name in a broken network would hold it up for half a minute.
    Where no thread can be started, as at the end of the program, a call is carried out by the caller.
    """

    def __init__(self, name: str, most_threads: int = MOST_THREADS) -> None:
        super().__init__(most_threads, name)
        self._name = name
        self._most = most_threads
        self._waiting: deque[Callable[[], None]] = deque()
        self._busy = 0
        self._changed = threading.Condition()

    def submit(self, fn: Callable[Given, T], /, *args: Given.args, **kwargs: Given.kwargs) -> Future[T]:
        """Have a call carried out."""
        outcome: Future[T] = Future()
        with self._changed:
            self._waiting.append(partial(_carry_out, outcome, partial(fn, *args, **kwargs)))
            if self._busy >= self._most:
                return outcome
            self._busy += 1
        try:
            threading.Thread(target=self._work, name=f"{self._name} worker", daemon=True).start()
        except RuntimeError:
            self._work()
        return outcome

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do nothing: the threads end by themselves."""

    def wait_idle(self, timeout_seconds: float) -> bool:
        """Wait until nothing runs. Return whether that came about in time. Blocks."""
        with self._changed:
            return self._changed.wait_for(lambda: self._busy == 0, timeout_seconds)

    def _work(self) -> None:
        while (task := self._next()) is not None:
            task()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            if self._waiting:
                return self._waiting.popleft()
            self._busy -= 1
            self._changed.notify_all()
            return None


def _carry_out(outcome: Future[Any], call: Callable[[], Any]) -> None:
    if not outcome.set_running_or_notify_cancel():
        return
    try:
        value = call()
    except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the one who waits for it
        outcome.set_exception(error)
    else:
        outcome.set_result(value)
    del outcome, call  # the traceback of an error holds this frame

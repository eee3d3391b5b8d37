"""One thread with an event loop of our own, for callers with a loop and without.

Nothing is ever bound to a loop of the caller: programs start loops, end them, and go on without any
(python-client.md section 2).
"""

import asyncio
import atexit
import contextlib
import logging
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, TypeVar

from horde_model_reference.replica.daemon_threads import DaemonThreads

T = TypeVar("T")
Closer = Callable[[], Coroutine[Any, Any, None]]

THREAD_NAME: Final = "horde-model-reference"
CLOSE_SECONDS: Final = 2.0
"""For each step of closing: cancelled work, what has to be closed, work in other threads."""

log = logging.getLogger(__name__)


class LoopThreadUnavailable(RuntimeError):
    """The work cannot be done, or was ended: the thread is closed, as it is when the program ends."""


class LoopThread:
    """A daemon thread with an event loop, started at first use, and again in a forked child.

    Work is given as a function that makes a coroutine; it is called on the thread.
    """

    def __init__(self, name: str = THREAD_NAME) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._running: _RunningLoop | None = None
        self._of_parent: _RunningLoop | None = None
        self._closers: list[Closer] = []
        self._generation = 0
        self._closed = False
        _call_after_fork(self._begin_anew)

    @property
    def generation(self) -> int:
        """A number that is another one after a fork: work begun under an earlier one never ends here."""
        return self._generation

    def is_current(self) -> bool:
        """Say whether the caller is on the thread."""
        running = self._running
        return running is not None and running.thread.ident == threading.get_ident()

    def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do the work and return what it returns, or raise what it raises. Blocks.

        Raises `RuntimeError` on the thread itself, which would wait for itself, and once it is closed. An
        interrupted caller leaves no work behind.
        """
        if self.is_current():
            raise RuntimeError("a blocking call on the thread of the event loop would wait for itself")
        outcome: Future[T] = Future()
        try:
            self._submit(make, outcome)
            return outcome.result()
        finally:
            outcome.cancel()  # without effect unless the caller was interrupted
            del outcome  # it may hold an error, whose traceback holds this frame

    async def call(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do the work while the caller's own loop goes on; cancelling the caller cancels it."""
        if self.is_current():
            return await make()
        return await asyncio.wrap_future(self.submit(make))

    def submit(self, make: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Begin the work. Cancelling the result cancels it. Raises `RuntimeError` once it is closed."""
        outcome: Future[T] = Future()
        self._submit(make, outcome)
        return outcome

    def add_closer(self, closer: Closer) -> None:
        """Have this called on the thread before its loop ends."""
        self._closers.append(closer)

    def remove_closer(self, closer: Closer) -> None:
        """Take back what was added, if it is there."""
        with contextlib.suppress(ValueError):
            self._closers.remove(closer)

    def close(self) -> None:
        """Cancel all work, call the closers and end the thread, within bounded time. Blocks; may be repeated.

        Raises `RuntimeError` on the thread itself.
        """
        if self.is_current():
            raise RuntimeError("the thread of the event loop cannot wait for its own end")
        with self._lock:
            self._closed = True
            running, self._running = self._running, None
        if running is not None:
            running.end(tuple(self._closers))

    def _submit(self, make: Callable[[], Coroutine[Any, Any, T]], outcome: Future[T]) -> None:
        with self._lock:
            if self._closed:
                raise LoopThreadUnavailable("the program ends: nothing more can be loaded")
            if self._running is None:
                self._running = _RunningLoop(self._name)
            self._running.begin(make, outcome)

    def _begin_anew(self) -> None:
        """Forget, in a forked child, what exists in the parent only. No lock of the parent's is touched."""
        self._lock = threading.Lock()
        self._of_parent, self._running = self._running, None  # kept: its clean-up is the parent's business
        self._generation += 1


class _ProcessLoop(asyncio.SelectorEventLoop):
    """A loop that counts as closed, and is silent, in every process but its own.

    What a forked child inherits of it is thrown away there without a word and without touching the sockets.
    """

    def __init__(self) -> None:
        super().__init__()
        self._process_id = os.getpid()
        self.quiet = False

    def is_closed(self) -> bool:
        return super().is_closed() or self._process_id != os.getpid()

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.quiet and self._process_id == os.getpid():
            super().call_exception_handler(context)


class _RunningLoop:
    """A loop, its thread, and the work on it."""

    def __init__(self, name: str) -> None:
        self._loop = _ProcessLoop()
        self._workers = DaemonThreads(name)
        self._loop.set_default_executor(self._workers)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._outcomes: set[Future[Any]] = set()
        self._ended = False
        self.thread = threading.Thread(target=self._serve, name=name, daemon=True)
        try:
            self.thread.start()
        except RuntimeError as error:
            self._loop.close()
            raise LoopThreadUnavailable(f"no thread can be started: {error}") from error

    def begin(self, make: Callable[[], Coroutine[Any, Any, T]], outcome: Future[T]) -> None:
        """Begin work from any thread."""
        self._outcomes.add(outcome)
        self._loop.call_soon_threadsafe(self._begin, make, outcome)

    def end(self, closers: tuple[Closer, ...]) -> None:
        """Cancel all work, call the closers, end the thread. Blocks for a bounded time."""
        ending = asyncio.run_coroutine_threadsafe(self._wind_up(closers), self._loop)
        with contextlib.suppress(TimeoutError):
            ending.result(3 * CLOSE_SECONDS)
        self._loop.quiet = True  # of work that does not let itself be cancelled
        self._ended = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.thread.join(CLOSE_SECONDS)
        self._workers.wait_idle(CLOSE_SECONDS)

    def _begin(self, make: Callable[[], Coroutine[Any, Any, T]], outcome: Future[T]) -> None:
        if outcome.cancelled():
            self._outcomes.discard(outcome)
            return
        task = self._loop.create_task(_perform(make))
        self._tasks.add(task)
        task.add_done_callback(partial(self._finish, outcome))
        outcome.add_done_callback(partial(self._cancel_with, task))

    def _cancel_with(self, task: asyncio.Task[Any], outcome: Future[Any]) -> None:
        if outcome.cancelled() and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # closed in this moment
                self._loop.call_soon_threadsafe(task.cancel)

    def _finish(self, outcome: Future[T], task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        self._outcomes.discard(outcome)
        error = LoopThreadUnavailable("the work was ended") if task.cancelled() else task.exception()
        if not outcome.set_running_or_notify_cancel():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(task.result())

    def _serve(self) -> None:
        try:
            while not self._ended:
                with contextlib.suppress(SystemExit, KeyboardInterrupt):  # raised by work, which has it too
                    self._loop.run_forever()
        finally:
            if not self._tasks:
                self._loop.close()
            for outcome in list(self._outcomes):
                if outcome.set_running_or_notify_cancel():
                    outcome.set_exception(LoopThreadUnavailable("the work did not end in time"))

    async def _wind_up(self, closers: tuple[Closer, ...]) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        closing = [self._loop.create_task(_perform(closer)) for closer in closers]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_SECONDS)
        for task in closing:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                log.debug("something could not be closed: %r", error)
        await self._loop.shutdown_asyncgens()


async def _perform(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do the work; that it cannot even begin is a failure of the work, too."""
    return await make()


def _call_after_fork(method: Callable[[], None]) -> None:
    """Call a method in every forked child while its object lives."""
    if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
        reference = weakref.WeakMethod(method)

        def in_child() -> None:
            if (living := reference()) is not None:
                living()

        os.register_at_fork(after_in_child=in_child)


_SHARED: Final = LoopThread()
atexit.register(_SHARED.close)


def shared_loop_thread() -> LoopThread:
    """Return the one of this process; it is closed when the program ends."""
    return _SHARED

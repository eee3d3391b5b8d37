"""The thread with the event loop: work from anywhere, its failures, its end."""

import asyncio
import contextvars
import gc
import signal
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from horde_model_reference.replica.loop_thread import LoopThread, LoopThreadUnavailable, shared_loop_thread


@pytest.fixture
def thread() -> Iterator[LoopThread]:
    made = LoopThread("a test")
    yield made
    made.close()


class Sleeper:
    """Work that never ends by itself and tells what happens to it."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.cancelled = threading.Event()

    async def work(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def where() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def fail(error: BaseException) -> None:
    raise error


def test_work_given_without_a_loop_is_done_on_the_thread(thread: LoopThread) -> None:
    assert thread.run(where) == "a test"


def test_nothing_is_started_before_the_first_work() -> None:
    before = threading.active_count()
    made = LoopThread()
    assert threading.active_count() == before
    assert not made.is_current()
    made.close()


async def test_work_given_on_another_loop_leaves_that_loop_free(thread: LoopThread) -> None:
    proceed = threading.Event()

    async def wait_for_the_other_loop() -> str:
        await asyncio.to_thread(proceed.wait, 5)
        return threading.current_thread().name

    working = asyncio.create_task(thread.call(wait_for_the_other_loop))
    await asyncio.sleep(0)
    proceed.set()
    assert await working == "a test"


def test_work_given_on_the_thread_itself_is_awaited_there(thread: LoopThread) -> None:
    async def outer() -> tuple[str, bool]:
        return await thread.call(where), thread.is_current()

    assert thread.run(outer) == ("a test", True)
    assert not thread.is_current()


def test_a_blocking_call_on_the_thread_itself_is_refused(thread: LoopThread) -> None:
    async def outer() -> None:
        thread.run(where)

    with pytest.raises(RuntimeError, match="wait for itself"):
        thread.run(outer)
    assert thread.run(where) == "a test"


@pytest.mark.parametrize(
    "error", [KeyError("a"), TimeoutError(), OSError(5, "x"), SystemExit(3), KeyboardInterrupt()]
)
def test_an_error_of_the_work_arrives_as_it_is_and_the_thread_goes_on(
    thread: LoopThread, error: BaseException
) -> None:
    with pytest.raises(type(error)) as caught:
        thread.run(lambda: fail(error))
    assert caught.value is error
    assert thread.run(where) == "a test"


async def test_an_error_of_the_work_arrives_on_another_loop(thread: LoopThread) -> None:
    error = LookupError("gone")
    with pytest.raises(LookupError) as caught:
        await thread.call(lambda: fail(error))
    assert caught.value is error


def test_work_that_cannot_even_begin_raises_where_it_is_waited_for(thread: LoopThread) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        thread.run(broken)  # type: ignore[arg-type]
    assert thread.run(where) == "a test"


async def test_cancelling_the_caller_cancels_the_work(thread: LoopThread) -> None:
    sleeper = Sleeper()
    calling = asyncio.create_task(thread.call(sleeper.work))
    await asyncio.to_thread(sleeper.begun.wait, 5)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert await asyncio.to_thread(sleeper.cancelled.wait, 5)


def test_cancelling_submitted_work_cancels_it(thread: LoopThread) -> None:
    sleeper = Sleeper()
    outcome = thread.submit(sleeper.work)
    assert sleeper.begun.wait(5)
    assert outcome.cancel()
    assert sleeper.cancelled.wait(5)


def test_work_cancelled_before_it_began_does_not_begin(thread: LoopThread) -> None:
    release, blocked = threading.Event(), threading.Event()

    async def block() -> None:
        blocked.set()
        while not release.is_set():  # waiting in the usual way is forbidden on a loop
            pass

    thread.submit(block)
    assert blocked.wait(5)
    sleeper = Sleeper()
    cancelled = thread.submit(sleeper.work).cancel()
    release.set()
    assert cancelled
    assert thread.run(where) == "a test"
    assert not sleeper.begun.is_set()


def test_work_that_cancels_itself_is_an_error_for_the_one_who_waits(thread: LoopThread) -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(LoopThreadUnavailable, match="ended"):
        thread.run(give_up)


async def test_work_that_cancels_itself_does_not_look_like_a_cancelled_caller(thread: LoopThread) -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(LoopThreadUnavailable):
        await thread.call(give_up)


def test_context_variables_of_the_caller_are_seen_by_the_work(thread: LoopThread) -> None:
    variable = contextvars.ContextVar("variable", default="nothing")

    async def look() -> str:
        return variable.get()

    variable.set("something")
    assert thread.run(look) == "something"


def test_two_loops_of_the_caller_one_after_another_use_the_same_thread(thread: LoopThread) -> None:
    first = asyncio.run(thread.call(where))
    second = asyncio.run(thread.call(where))
    assert (first, second, thread.run(where)) == ("a test", "a test", "a test")


def test_many_threads_at_once_share_one_loop(thread: LoopThread) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def note() -> None:
        loops.append(asyncio.get_running_loop())

    readers = [threading.Thread(target=thread.run, args=(note,)) for _ in range(16)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(loops) == 16
    assert len(set(map(id, loops))) == 1


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals of other systems are different")
def test_an_interrupted_caller_cancels_its_work_and_can_go_on(thread: LoopThread) -> None:
    sleeper = Sleeper()
    main = threading.get_ident()

    def interrupt() -> None:
        assert sleeper.begun.wait(5)
        signal.pthread_kill(main, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        thread.run(sleeper.work)
    interrupter.join()
    assert sleeper.cancelled.wait(5)
    assert thread.run(where) == "a test"


def test_closing_cancels_work_calls_the_closers_and_ends_the_thread() -> None:
    made, sleeper, calls = LoopThread("to be closed"), Sleeper(), list[str]()

    async def close_something() -> None:
        assert sleeper.cancelled.is_set()
        calls.append(threading.current_thread().name)

    async def close_badly() -> None:
        raise OSError("already gone")

    async def never_called() -> None:
        calls.append("never")

    for closer in (close_something, close_badly, never_called):
        made.add_closer(closer)
    made.remove_closer(never_called)
    made.remove_closer(never_called)
    outcome = made.submit(sleeper.work)
    assert sleeper.begun.wait(5)
    made.close()
    with pytest.raises(LoopThreadUnavailable):
        outcome.result(0)
    assert calls == ["to be closed"]
    assert "to be closed" not in [one.name for one in threading.enumerate()]


def test_a_closed_thread_refuses_work_and_may_be_closed_again() -> None:
    made = LoopThread()
    made.run(where)
    made.close()
    made.close()
    with pytest.raises(RuntimeError):
        made.run(where)
    with pytest.raises(RuntimeError):
        asyncio.run(made.call(where))


def test_the_thread_cannot_close_itself(thread: LoopThread) -> None:
    async def close() -> None:
        thread.close()

    with pytest.raises(RuntimeError, match="own end"):
        thread.run(close)


def test_blocking_work_beside_the_loop_is_done_in_daemon_threads(thread: LoopThread) -> None:
    async def work() -> list[bool]:
        return await asyncio.gather(
            *(asyncio.to_thread(lambda: threading.current_thread().daemon) for _ in range(40))
        )

    assert thread.run(work) == [True] * 40


def test_errors_beside_the_loop_arrive(thread: LoopThread) -> None:
    def broken() -> None:
        raise KeyError("x")

    async def work() -> None:
        await asyncio.to_thread(broken)

    with pytest.raises(KeyError):
        thread.run(work)


def test_results_are_not_kept(thread: LoopThread) -> None:
    class Result:
        """Something that a weak reference can be made of."""

    async def make() -> Result:
        return Result()

    kept = weakref.ref(thread.run(make))
    thread.run(where)
    gc.collect()
    assert kept() is None


def test_an_unused_thread_object_can_be_thrown_away() -> None:
    made = LoopThread()
    made.run(where)
    made.close()
    gone = weakref.ref(made)
    del made
    gc.collect()
    assert gone() is None


def test_the_shared_thread_is_one_and_works() -> None:
    assert shared_loop_thread() is shared_loop_thread()
    assert shared_loop_thread().run(where) == "horde-model-reference"


def test_outcomes_are_futures_of_the_standard_library(thread: LoopThread) -> None:
    outcome = thread.submit(where)
    assert isinstance(outcome, Future)
    assert outcome.result(5) == "a test"


def test_where_no_thread_can_be_started_the_work_is_refused_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    made = LoopThread("late")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(LoopThreadUnavailable, match="no thread can be started"):
            made.run(where)
    assert made.run(where) == "late"
    made.close()

"""Blocking work in threads that nobody waits for."""

import threading
from concurrent.futures import Future

import pytest

from horde_model_reference.replica.daemon_threads import DaemonThreads


def test_calls_are_carried_out_with_their_arguments() -> None:
    threads = DaemonThreads("a test")
    assert threads.submit(divmod, 7, 2).result(5) == (3, 1)
    assert threads.submit(dict, a=1).result(5) == {"a": 1}


def test_no_more_threads_run_than_are_allowed_and_all_work_gets_done() -> None:
    threads = DaemonThreads("a test", most_threads=2)
    most, running, lock = 0, 0, threading.Lock()

    def work() -> int:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.002)
        with lock:
            running -= 1
        return 1

    assert sum(outcome.result(5) for outcome in [threads.submit(work) for _ in range(20)]) == 20
    assert most <= 2


def test_idle_threads_end() -> None:
    threads = DaemonThreads("idle ones")
    threads.submit(int).result(5)
    assert threads.wait_idle(5)


def test_waiting_for_idleness_ends_after_the_time() -> None:
    threads, release = DaemonThreads("a test"), threading.Event()
    outcome = threads.submit(release.wait, 5)
    assert not threads.wait_idle(0.01)
    release.set()
    assert outcome.result(5)
    assert threads.wait_idle(5)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt()])
def test_whatever_is_raised_arrives(error: BaseException) -> None:
    def broken() -> None:
        raise error

    with pytest.raises(type(error)):
        DaemonThreads("a test").submit(broken).result(5)


def test_a_call_that_is_cancelled_before_its_turn_is_left_out() -> None:
    threads, release, calls = DaemonThreads("a test", most_threads=1), threading.Event(), list[int]()
    first: Future[bool] = threads.submit(release.wait, 5)
    second = threads.submit(calls.append, 2)
    third = threads.submit(calls.append, 3)
    assert second.cancel()
    release.set()
    first.result(5)
    third.result(5)
    assert calls == [3]


def test_shutting_down_does_not_wait_and_ends_nothing() -> None:
    threads, release = DaemonThreads("a test"), threading.Event()
    outcome = threads.submit(release.wait, 5)
    threads.shutdown()
    release.set()
    assert outcome.result(5)


def test_where_no_thread_can_be_started_the_caller_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    threads = DaemonThreads("a test")
    assert threads.submit(threading.get_ident).result(0) == threading.get_ident()
    assert threads.wait_idle(0)

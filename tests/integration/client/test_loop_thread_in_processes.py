"""The thread with the event loop where processes fork and where programs end."""

import multiprocessing
import os
import textwrap
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from support import programs
from support.programs import assert_silent_success, finished

BEGIN = """
import asyncio, atexit, os, sys, threading
from horde_model_reference.replica.loop_thread import LoopThread, shared_loop_thread

begun = threading.Event()

async def answer():
    await asyncio.sleep(0)
    return await asyncio.to_thread(lambda: 42)

async def endless():
    begun.set()
    await asyncio.Event().wait()
"""
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def ran(code: str) -> CompletedProcess[str]:
    return programs.ran(BEGIN + textwrap.dedent(code))


def test_a_program_that_ends_after_its_work_says_nothing() -> None:
    assert_silent_success(ran("print(shared_loop_thread().run(answer))"), "42\n")


def test_a_program_that_never_works_ends() -> None:
    assert_silent_success(ran("shared_loop_thread()"))


def test_a_program_that_ends_while_work_is_going_on_ends_without_a_word() -> None:
    done = ran(
        """
        shared_loop_thread().submit(endless)
        begun.wait()
        """
    )
    assert_silent_success(done)


def test_work_that_does_not_let_itself_be_cancelled_does_not_hold_the_end_up() -> None:
    done = ran(
        """
        import horde_model_reference.replica.loop_thread as module
        module.CLOSE_SECONDS = 0.1

        async def stubborn():
            begun.set()
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    pass

        shared_loop_thread().submit(stubborn)
        begun.wait()
        """
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_a_blocking_call_beside_the_loop_does_not_hold_the_end_up() -> None:
    done = ran(
        """
        import horde_model_reference.replica.loop_thread as module
        module.CLOSE_SECONDS = 0.1

        def block():
            begun.set()
            threading.Event().wait(1000)

        shared_loop_thread().submit(lambda: asyncio.to_thread(block))
        begun.wait()
        """
    )
    assert_silent_success(done)


def test_a_daemon_thread_that_waits_for_work_does_not_hold_the_end_up() -> None:
    done = ran(
        """
        def read():
            try:
                shared_loop_thread().run(endless)
            except RuntimeError:
                pass

        threading.Thread(target=read, daemon=True).start()
        begun.wait()
        """
    )
    assert_silent_success(done)


def test_another_thread_finishes_its_work_after_the_main_thread() -> None:
    done = ran(
        """
        async def slow():
            begun.set()
            threading.main_thread().join()
            return await answer()

        threading.Thread(target=lambda: print(shared_loop_thread().run(slow))).start()
        begun.wait()
        """
    )
    assert_silent_success(done, "42\n")


def test_functions_called_at_the_end_can_work_if_they_were_registered_later() -> None:
    done = ran(
        """
        assert shared_loop_thread().run(answer) == 42
        atexit.register(lambda: print(shared_loop_thread().run(answer)))
        """
    )
    assert_silent_success(done, "42\n")


def test_functions_called_after_the_end_are_told_so() -> None:
    done = ran(
        """
        atexit.unregister(shared_loop_thread().close)

        def late():
            try:
                shared_loop_thread().run(answer)
            except RuntimeError as error:
                print(error)

        atexit.register(late)
        atexit.register(shared_loop_thread().close)
        shared_loop_thread().run(answer)
        """
    )
    assert_silent_success(done, "the program ends: nothing more can be loaded\n")


def test_an_unhandled_error_of_the_program_is_the_only_thing_that_is_said() -> None:
    done = ran("shared_loop_thread().submit(endless); begun.wait(); raise SystemExit('mine')")
    assert (done.returncode, done.stderr) == (1, "mine\n")


@forks
def test_a_forked_child_works_with_a_thread_of_its_own() -> None:
    done = ran(
        """
        shared = shared_loop_thread()
        shared.submit(endless)
        begun.wait()
        before = shared.generation
        if (child := os.fork()) == 0:
            assert shared.generation != before
            assert shared.run(answer) == 42
            assert asyncio.run(shared.call(answer)) == 42
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert shared.generation == before
        assert shared.run(answer) == 42
        """
    )
    assert_silent_success(done)


@forks
def test_a_child_forked_while_threads_begin_work_is_not_stuck() -> None:
    done = ran(
        """
        shared, stop = shared_loop_thread(), threading.Event()

        def work():
            while not stop.is_set():
                shared.run(answer)

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for _ in range(40):
            if (child := os.fork()) == 0:
                os._exit(0 if shared.run(answer) == 42 else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for worker in workers:
            worker.join()
        """
    )
    assert_silent_success(done)


@forks
def test_a_child_that_does_nothing_ends_without_a_word_and_the_parent_goes_on() -> None:
    done = ran(
        """
        shared = shared_loop_thread()
        endless_one = shared.submit(endless)
        begun.wait()
        if (child := os.fork()) == 0:
            import gc
            gc.collect()
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert shared.run(answer) == 42
        assert not endless_one.done()
        """
    )
    assert_silent_success(done)


@forks
def test_a_grandchild_works_too() -> None:
    done = ran(
        """
        shared = shared_loop_thread()
        assert shared.run(answer) == 42
        if (child := os.fork()) == 0:
            assert shared.run(answer) == 42
            if (grandchild := os.fork()) == 0:
                assert shared.run(answer) == 42
                sys.exit(0)
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))
        assert os.waitpid(child, 0)[1] == 0
        """
    )
    assert_silent_success(done)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_work(method: str, tmp_path: Path) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    program = tmp_path / "program.py"
    program.write_text(
        BEGIN
        + textwrap.dedent(
            f"""
            import multiprocessing

            def load(_):
                return shared_loop_thread().run(answer)

            if __name__ == "__main__":
                assert load(0) == 42
                with multiprocessing.get_context({method!r}).Pool(2) as pool:
                    print(pool.map(load, range(4)))
            """
        )
    )
    assert_silent_success(finished([program]), "[42, 42, 42, 42]\n")

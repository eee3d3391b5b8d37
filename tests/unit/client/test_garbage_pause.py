"""The garbage collector is held off for a moment, and is afterwards as it was."""

import gc
import os
import threading
from collections.abc import Iterator

import pytest

from horde_model_reference.garbage_pause import MANY_OBJECTS, GarbagePause


@pytest.fixture(autouse=True)
def _collector_as_it_was() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.enable()
    yield
    if not was_on:
        gc.disable()


@pytest.fixture
def nothing_frozen() -> Iterator[None]:
    """What services of other tests froze is thawed: it would be taken for the program's own."""
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_it_is_off_inside_and_on_again_behind_the_last_one() -> None:
    pause = GarbagePause()
    with pause():
        with pause():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_on_again_after_an_error() -> None:
    pause = GarbagePause()
    with pytest.raises(ValueError, match="inside"), pause():
        raise ValueError("inside")
    assert gc.isenabled()


def test_a_program_that_switched_it_off_finds_it_off() -> None:
    pause = GarbagePause()
    gc.disable()
    with pause():
        pass
    assert not gc.isenabled()


def test_it_is_off_until_the_last_of_several_threads_is_out() -> None:
    pause = GarbagePause()
    is_inside, may_leave = threading.Event(), threading.Event()

    def stay() -> None:
        with pause():
            is_inside.set()
            may_leave.wait(20)

    thread = threading.Thread(target=stay)
    thread.start()
    assert is_inside.wait(20)
    with pause():
        pass
    assert not gc.isenabled()
    may_leave.set()
    thread.join()
    assert gc.isenabled()


def make_many(pause: GarbagePause) -> int:
    """Make many objects inside, and return how many collections that brought until a moment afterwards."""
    collections = 0

    def count(phase: str, _: object) -> None:
        nonlocal collections
        collections += phase == "start"

    gc.collect()
    gc.callbacks.append(count)
    try:
        with pause():
            made: list[list[int]] = [[] for _ in range(2 * MANY_OBJECTS)]
        made.append([])
    finally:
        gc.callbacks.remove(count)
    return collections


@pytest.mark.usefixtures("nothing_frozen")
def test_many_new_objects_bring_no_collection() -> None:
    assert make_many(GarbagePause()) == 0
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("nothing_frozen")
def test_a_program_that_goes_on_making_many_has_its_garbage_collected() -> None:
    pause = GarbagePause(max_promotions=2)
    first, second, third = (make_many(pause) for _ in range(3))
    assert (first, second) == (0, 0)
    assert third > 0


@pytest.mark.usefixtures("nothing_frozen")
def test_what_the_program_froze_stays_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    make_many(GarbagePause())
    assert gc.get_freeze_count() >= frozen


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_forked_while_another_thread_is_inside_collects_and_can_pause() -> None:
    pause = GarbagePause()
    is_inside, may_leave = threading.Event(), threading.Event()

    def stay() -> None:
        with pause():
            is_inside.set()
            may_leave.wait(20)

    thread = threading.Thread(target=stay)
    thread.start()
    assert is_inside.wait(20)
    child = os.fork()
    if child == 0:
        was_on = gc.isenabled()
        with pause():
            is_off = not gc.isenabled()
        os._exit(0 if was_on and is_off and gc.isenabled() else 1)
    _, status = os.waitpid(child, 0)
    may_leave.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0

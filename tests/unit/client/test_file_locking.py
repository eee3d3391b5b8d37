import errno
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from horde_model_reference.files.locking import end_claim, locked, locked_if_possible, try_claim

Lock = Callable[..., AbstractContextManager[Any]]
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="this system has locks of another kind")


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a file system without locks."""
    import fcntl  # noqa: PLC0415 - not on every system

    def refuse(_file: object, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_a_free_lock_is_taken_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".lock"
    with locked(path, timeout_seconds=1):
        assert path.exists()
    with locked(path, timeout_seconds=0):
        pass


def test_a_held_lock_is_a_timeout_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with (
        locked(path, timeout_seconds=1),
        pytest.raises(TimeoutError, match="lock has been held"),
        locked(path, timeout_seconds=0.01),
    ):
        pass


def test_a_lock_that_another_one_holds_is_given_up_in_time_where_that_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        locked_if_possible(path, timeout_seconds=1) as first,
        locked_if_possible(path, timeout_seconds=0.01) as second,
    ):
        assert (first, second) == (True, False)
    with locked_if_possible(path, timeout_seconds=1) as again:
        assert again


def test_both_kinds_of_holders_keep_each_other_out(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock", timeout_seconds=0),
        locked_if_possible(tmp_path / "lock", timeout_seconds=0) as held,
    ):
        assert not held


@pytest.mark.parametrize("lock", [locked, locked_if_possible])
def test_a_lock_is_given_back_when_its_holder_fails(lock: Lock, tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with pytest.raises(ZeroDivisionError), lock(path, timeout_seconds=1):
        raise ZeroDivisionError
    with locked(path, timeout_seconds=0):
        pass


@pytest.mark.parametrize("lock", [locked, locked_if_possible])
def test_a_file_that_cannot_be_made_is_an_error(lock: Lock, tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(OSError, match="lock"), lock(tmp_path / "lock", timeout_seconds=0):
        pass


@on_posix
@pytest.mark.usefixtures("no_locks")
def test_without_locks_work_that_needs_one_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No locks available"), locked(tmp_path / "lock", timeout_seconds=60):
        pass


@on_posix
@pytest.mark.usefixtures("no_locks")
def test_without_locks_harmless_work_goes_on(tmp_path: Path) -> None:
    with locked_if_possible(tmp_path / "lock", timeout_seconds=60) as held:
        assert not held


def test_threads_hold_it_one_after_the_other(tmp_path: Path) -> None:
    path, inside, most = tmp_path / ".lock", list[int](), list[int]()

    def work(number: int) -> None:
        for _ in range(5):
            with locked(path, timeout_seconds=30):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20


@on_posix
def test_a_file_with_data_is_claimed_by_one_at_a_time(tmp_path: Path) -> None:
    with FileIO(tmp_path / "data", "a+") as one, FileIO(tmp_path / "data", "a+") as other:
        assert try_claim(one)
        assert not try_claim(other)
        end_claim(one)
        assert try_claim(other)


@on_posix
@pytest.mark.usefixtures("no_locks")
def test_without_locks_a_file_with_data_is_had_by_everybody(tmp_path: Path) -> None:
    with FileIO(tmp_path / "data", "a+") as one, FileIO(tmp_path / "data", "a+") as other:
        assert try_claim(one)
        assert try_claim(other)
        end_claim(one)

import threading
from pathlib import Path

import pytest

from horde_model_reference.backends.folder_lock import folder_lock


def test_a_free_lock_is_taken_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".lock"
    with folder_lock(path, timeout_seconds=1):
        assert path.exists()
    with folder_lock(path, timeout_seconds=0):
        pass


def test_a_held_lock_is_a_timeout_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with (
        folder_lock(path, timeout_seconds=1),
        pytest.raises(TimeoutError, match="lock has been held"),
        folder_lock(path, timeout_seconds=0.01),
    ):
        pass


def test_a_lock_is_given_back_when_its_holder_fails(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with pytest.raises(ZeroDivisionError), folder_lock(path, timeout_seconds=1):
        raise ZeroDivisionError
    with folder_lock(path, timeout_seconds=0):
        pass


def test_threads_hold_it_one_after_the_other(tmp_path: Path) -> None:
    path, inside, most = tmp_path / ".lock", list[int](), list[int]()

    def work(number: int) -> None:
        for _ in range(5):
            with folder_lock(path, timeout_seconds=30):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20

"""A lock between processes, and between threads, in the form of a file."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

RETRY_SECONDS: Final = 0.01


@contextlib.contextmanager
def file_lock(path: Path, *, timeout_seconds: float) -> Iterator[bool]:
    """Hold the lock, and yield whether it is held. Blocks.

    The system gives it back when its holder dies. It is not held where another one keeps it for longer than
    the timeout, as a stopped process does, and on file systems without locks: what is done under it has to
    be harmless then, too. Raises `OSError` where the file cannot be made.
    """
    with path.open("ab") as file:
        held = _wait_for(file.fileno(), timeout_seconds)
        try:
            yield held
        finally:
            if held:
                # by hand, for a process forked in the meantime has the open file as well
                _release(file.fileno())


def _wait_for(descriptor: int, timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    pause = threading.Event()
    while True:
        try:
            _take(descriptor)
        except (BlockingIOError, PermissionError):
            if time.monotonic() >= deadline:
                return False
            pause.wait(RETRY_SECONDS)
        except OSError:
            return False
        else:
            return True


if sys.platform == "win32":

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _release(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)

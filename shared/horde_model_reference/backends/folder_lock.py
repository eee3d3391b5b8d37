"""One writer at a time in a folder: between threads, objects and processes of one machine."""

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

FIRST_PAUSE_SECONDS: Final = 0.001
LONGEST_PAUSE_SECONDS: Final = 0.05


@contextlib.contextmanager
def folder_lock(path: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock whose file is `path`; its folder is made when it is missing.

    The system gives the lock back when the process dies. Not reentrant. Raises `TimeoutError` when somebody
    else holds it too long, and `OSError` where the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Each holder opens the file anew: so the lock also parts the threads of one process.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait_for(descriptor, path, timeout_seconds)
        try:
            yield
        finally:
            # Explicitly, for a process forked meanwhile has the file open too.
            _unlock(descriptor)
    finally:
        os.close(descriptor)


def pause(seconds: float) -> None:
    """Let the calling thread wait."""
    threading.Event().wait(seconds)


def _wait_for(descriptor: int, path: Path, timeout_seconds: float) -> None:
    give_up_at = time.monotonic() + timeout_seconds
    pause_seconds = FIRST_PAUSE_SECONDS
    while not _try_lock(descriptor):
        if time.monotonic() >= give_up_at:
            raise TimeoutError(f"{path} has been held by another writer for {timeout_seconds:g} seconds")
        pause(pause_seconds)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


if sys.platform == "win32":

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)

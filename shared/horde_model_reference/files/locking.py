"""Locks in the form of files: between threads, objects and processes of one machine.

The system gives a lock back when its holder dies, however that happens. No lock is reentrant.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Final

from horde_model_reference.waiting import pause

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FIRST_PAUSE_SECONDS: Final = 0.001
LONGEST_PAUSE_SECONDS: Final = 0.05


@contextlib.contextmanager
def locked(path: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock whose file is `path`, for work that must not be done without it. Blocks.

    The folder of the file is made when it is missing. Raises `TimeoutError` when somebody else holds the lock
    too long, and `OSError` where the file cannot be made or the file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileIO(path, "ab") as file:  # opened by each holder: so it parts the threads of a process, too
        _wait_for(file, timeout_seconds)
        try:
            yield
        finally:
            _release(file)


@contextlib.contextmanager
def locked_if_possible(path: Path, *, timeout_seconds: float) -> Iterator[bool]:
    """Hold the lock, and yield whether it is held, for work that is harmless without it. Blocks.

    It is not held where another one keeps it for longer than the timeout, as a stopped process does, and on
    file systems without locks. Raises `OSError` where the file cannot be made.
    """
    with FileIO(path, "ab") as file:
        held = True
        try:
            _wait_for(file, timeout_seconds)
        except OSError:
            held = False
        try:
            yield held
        finally:
            if held:
                _release(file)


def try_claim(file: FileIO) -> bool:
    """Take the lock of an open file that holds data, and return whether it could be had. Never waits.

    Where there are no locks, or none that leaves the bytes of a file alone, as on Windows, it is had always.
    """
    if sys.platform == "win32":
        return True
    try:
        return _try_lock(file)
    except OSError:
        return True


def end_claim(file: FileIO) -> None:
    """Give back what `try_claim` gave. The file may be closed where that has ended the claim."""
    if sys.platform != "win32":
        _release(file)


def _wait_for(file: FileIO, timeout_seconds: float) -> None:
    give_up_at = time.monotonic() + timeout_seconds
    pause_seconds = FIRST_PAUSE_SECONDS
    while not _try_lock(file):
        if time.monotonic() >= give_up_at:
            raise TimeoutError(f"{file.name} has been held by somebody else for {timeout_seconds:g} seconds")
        pause(pause_seconds)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


def _release(file: FileIO) -> None:
    """Unlock by hand, before closing: a process that was forked meanwhile has the file open as well."""
    with contextlib.suppress(OSError):
        _unlock(file)


if sys.platform == "win32":

    def _try_lock(file: FileIO) -> bool:
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(file: FileIO) -> None:
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:

    def _try_lock(file: FileIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _unlock(file: FileIO) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

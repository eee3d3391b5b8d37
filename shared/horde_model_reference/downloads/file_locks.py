"""Locks on open files, between threads and between processes; they end with the process, however it ends."""

import sys
from io import FileIO

if sys.platform == "win32":

    def try_lock(file: FileIO) -> bool:
        """Say that the file is ours: this system has no lock that leaves the bytes of a file alone."""
        del file
        return True

    def unlock(file: FileIO) -> None:
        """Do nothing: there was no lock."""
        del file

else:
    import fcntl

    def try_lock(file: FileIO) -> bool:
        """Take the lock of an open file and return whether it could be had; never waits."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
        return True

    def unlock(file: FileIO) -> None:
        """Give the lock back, also for forked children that hold the same open file."""
        try:
            fcntl.flock(file, fcntl.LOCK_UN)
        except OSError:  # a file system without locks
            return

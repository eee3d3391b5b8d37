"""A lock that a forked process finds free."""

import contextlib
import os
import threading


class ForkSafeLock:
    """Keeps other threads out while it is held; the thread that holds it may take it again.

    A child that is forked while another thread holds it, which does not exist in the child, could wait for
    ever: so each process has a lock of its own.
    """

    def __init__(self) -> None:
        self._of_processes: dict[int, threading.RLock] = {}

    def __enter__(self) -> None:
        self._own().acquire()

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):  # its holder forked, and this is the child
            self._own().release()

    def _own(self) -> "threading.RLock":
        process = os.getpid()
        return self._of_processes.get(process) or self._of_processes.setdefault(process, threading.RLock())

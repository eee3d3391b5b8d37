"""Keeps a full garbage collection out of moments that make very many objects which stay.

A full collection walks over everything that the program holds with every thread stopped: 20 to 30 ms in the
middle of the first load (measured), which is longer than all else that loading does to the caller's loop.
"""

import contextlib
import gc
import threading
from collections.abc import Iterator


class GarbagePause:
    """Holds the collector off while something is inside; a program that switched it off finds it so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._was_on = False

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold it off. What is done inside must not wait for anybody."""
        with self._lock:
            if not self._inside:
                self._was_on = gc.isenabled()
                gc.disable()
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside and self._was_on:
                    _collect_later()


def _collect_later() -> None:
    """Switch the collector on again without a collection at once: what is new counts as old."""
    if gc.get_freeze_count() == 0:  # else the program itself has frozen something
        gc.freeze()
        gc.unfreeze()
    gc.enable()


garbage_pause = GarbagePause()

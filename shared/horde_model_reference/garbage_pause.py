"""Keeps garbage collections out of moments that make very many objects which stay.

A full collection walks over everything that the program holds with every thread stopped: 20 to 30 ms in the
middle of the first load (measured), which is longer than all else that loading does to the caller's loop.
"""

import contextlib
import gc
import os
import threading
from collections.abc import Iterator
from typing import Final

MANY_OBJECTS: Final = 20_000
"""With fewer new ones a collection takes a millisecond or two."""

MAX_PROMOTIONS: Final = 64
"""Enough for the start of a program. What is promoted waits for the next full collection, so that a program
which did this for ever would hold garbage for long."""


class GarbagePause:
    """Holds the collector off while something is inside; a program that switched it off finds it so."""

    def __init__(self, *, max_promotions: int = MAX_PROMOTIONS) -> None:
        self._promotions_left = max_promotions
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

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
                    self._resume()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._was_on = False

    def _after_fork(self) -> None:
        """Go on in a child: the threads that were inside do not exist there."""
        if self._inside and self._was_on:
            gc.enable()
        self._begin()

    def _resume(self) -> None:
        """Switch the collector on again without a collection at once: what is new counts as old."""
        if gc.get_count()[0] > MANY_OBJECTS and self._promotions_left > 0:
            self._promotions_left -= 1
            if gc.get_freeze_count() == 0:  # else the program itself has frozen something
                gc.freeze()
                gc.unfreeze()
        gc.enable()


garbage_pause = GarbagePause()

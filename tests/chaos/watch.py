"""Judges what one client of the library sees, from all its threads and tasks."""

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Seen = dict[str, dict[str, int]]
"""Counters of one snapshot: pair to record to counter. -1: the record was not there."""

MOST_PROBLEMS: Final = 20

log = logging.getLogger(__name__)


def say(kind: str, content: Mapping[str, Any]) -> None:
    """Write a line at once: a thread that is caught by the end of the program must not hold a lock."""
    os.write(1, json.dumps({"kind": kind, **content}).encode() + b"\n")


@dataclass(slots=True)
class Look:
    """One read: how things stood when it began, and what it gave.

    `floors`: the newest counters that anybody of this process had seen. `was_in_contact`: what the PRIMARY
    has given is what every later read has to be of.
    """

    floors: dict[str, int]
    was_warm: bool
    was_in_contact: bool
    seen: Seen = field(default_factory=dict)
    error: Exception | None = None


class Watch:
    """Knows the newest counters that were seen.

    Promises: once it `is_warm` no read fails; the records of a pair that is not `loose` have the same
    counter; no counter goes back, whichever thread looked first. Until a program `is_warm` and
    `is_in_contact` it may have something from the disk, where every category is a file: pairs may be torn,
    and of two categories that are read one after another the second may be the older one.
    """

    def __init__(
        self,
        name: str,
        is_in_contact: Callable[[], bool],
        *,
        loose: frozenset[str] = frozenset(),
        floors: dict[str, int] | None = None,
    ) -> None:
        self._name = name
        self._is_in_contact = is_in_contact
        self._loose = loose
        self._lock = threading.Lock()
        self._problems = 0
        self.floors: dict[str, int] = dict(floors or {})
        self.is_warm = bool(floors)
        self.reads = 0
        self.early_failures = 0
        self.children = 0
        self.cold_torn = 0
        self.slowest_seconds = 0.0

    @contextlib.contextmanager
    def looking(self) -> Iterator[Look]:
        """Judge one read; an error that comes out of it is noted and goes no further."""
        was_in_contact = self._is_in_contact()
        with self._lock:
            look = Look(dict(self.floors), self.is_warm, was_in_contact)
        begun = time.monotonic()
        try:
            yield look
        except Exception as error:  # noqa: BLE001 - every error is a broken promise
            look.error = error
            if look.was_warm:
                self.problem(f"{type(error).__name__}: {error}")
            else:
                self.early_failures += 1
            return
        seconds = time.monotonic() - begun
        with self._lock:
            self.reads += 1
            if look.was_warm:
                self.slowest_seconds = max(self.slowest_seconds, seconds)
        for pair, counters in look.seen.items():
            if look.was_warm or min(counters.values()) >= 0:
                self._judge(look, pair, counters)

    def _judge(self, look: Look, pair: str, counters: dict[str, int]) -> None:
        is_torn = len(set(counters.values())) > 1
        is_whole = len(counters) > 1 and not is_torn
        is_strict = pair not in self._loose and look.was_in_contact and (look.was_warm or is_whole)
        if is_torn and not look.was_warm:
            self.cold_torn += 1
        if is_strict and is_torn:
            self.problem(f"{pair} is torn: {counters}, {self.floors.get(pair)} before")
        for name, counter in counters.items():
            for known in (name, pair) if is_strict else (name,):
                if counter < look.floors.get(known, -1):
                    self.problem(f"{known} went back from {look.floors[known]} to {counters}")
                self._raise_floor(known, counter)

    def _raise_floor(self, known: str, counter: int) -> None:
        with self._lock:
            if counter <= self.floors.get(known, -1):
                return
            self.floors[known] = counter
        say("seen", {"counters": {known: counter}})

    def problem(self, text: str) -> None:
        """Say what must not be."""
        self._problems += 1
        log.warning("%s", text)
        if self._problems <= MOST_PROBLEMS:
            say("problem", {"text": f"{self._name}: {text}", "at": time.time()})

    def tell_report(self) -> None:
        """Say how it went."""
        say(
            "report",
            {
                "reads": self.reads,
                "early_failures": self.early_failures,
                "children": self.children,
                "cold_torn": self.cold_torn,
                "slowest_seconds": round(self.slowest_seconds, 2),
                "problems": self._problems,
            },
        )

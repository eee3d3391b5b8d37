"""A program that uses the library and measures what that costs it: `python -P client_probe.py NAME WORDS...`.

Prints one JSON object a line. Nothing of this package is imported here, it would be measured too; what the
library imports is imported inside the functions for the same reason.
"""

# ruff: noqa: PLC0415

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")
Said = dict[str, Any]

CATEGORY = "image_generation"
SETTLE_SECONDS = 2.0  # what was loaded is written to the disk within one
ROUNDS = 25
CALLS_A_ROUND = 2000


def import_library() -> Said:
    """Import the library."""

    def act() -> None:
        import horde_model_reference  # noqa: F401

    return {**timed(act)[1], "modules": len(sys.modules)}


def first_read(category: str) -> Said:
    """Read one category, the library being imported."""
    import horde_model_reference

    def act() -> int:
        return len(horde_model_reference.ModelReferenceManager().get_model_reference(category))

    records, said = timed(act)
    return {**said, "records": records}


def calls() -> Said:
    """Call what answers from memory, again and again; microseconds a call."""
    from horde_model_reference.model_reference_manager import ModelReferenceManager

    manager = ModelReferenceManager()
    names = list(manager.get_model_reference(CATEGORY))
    name = names[len(names) // 2]
    manager.ensure_ready()
    time.sleep(SETTLE_SECONDS)
    found = {
        "get_model": microseconds(lambda: manager.get_model(CATEGORY, name)),
        "query": microseconds(lambda: manager.query(CATEGORY).where(name=name).first()),
        "get_model_reference": microseconds(lambda: manager.get_model_reference(CATEGORY)),
    }
    assert manager.query(CATEGORY).where(name=name).first() is manager.get_model(CATEGORY, name)
    return found


def memory(loaded: str) -> Said:
    """Load everything, unless `bare`; tell the resident memory when all is quiet."""
    if loaded == "bare":
        return {"megabytes": resident_megabytes()}
    import horde_model_reference

    imported = resident_megabytes()
    manager = horde_model_reference.ModelReferenceManager()
    manager.ensure_ready()
    time.sleep(SETTLE_SECONDS)
    gc.collect()
    records = sum(map(len, manager.get_all_model_references().values()))
    return {"imported": imported, "megabytes": resident_megabytes(), "records": records}


def refresh() -> Said:
    """Load everything; then, at each line of the input, do so again, and tell when it is done."""
    from horde_model_reference.model_reference_manager import ModelReferenceManager

    manager = ModelReferenceManager()
    manager.ensure_ready()
    tell({"ready": True})
    for words in map(str.split, sys.stdin):
        for category in words:
            manager.get_model_reference(category)
        if not words:
            manager.get_all_model_references()
        tell({"done": True})
    return {}


def subscriber() -> Said:
    """Follow a service. The first line of the input is a JSON list of [category, name, description].

    Tells when such a change was announced and could be read: the moment by `time.perf_counter`, which on
    Linux is one clock for all processes, and the number of the item. Ends with its input.
    """
    from horde_model_reference.model_reference_manager import ModelReferenceManager

    awaited = dict(enumerate(json.loads(sys.stdin.readline())))
    manager = ModelReferenceManager()
    manager.ensure_ready()

    def look(category: str) -> None:
        for number, (place, name, description) in list(awaited.items()):
            if place == category:
                record = manager.get_model_or_none(category, name)
                if record is not None and record.description == description:
                    seen = time.perf_counter()
                    del awaited[number]
                    tell({"seen": seen, "number": number})

    manager.register_invalidation_callback(look)
    tell({"ready": True})
    sys.stdin.read()
    return {}


def timed(action: Callable[[], T]) -> tuple[T, Said]:
    """Do something; return what came of it, and the seconds it took: by the clock, and of the processors."""
    clock, processor = time.perf_counter(), time.process_time()
    result = action()
    return result, {
        "seconds": time.perf_counter() - clock,
        "processor_seconds": time.process_time() - processor,
    }


def microseconds(action: Callable[[], object]) -> float:
    """Return what one call takes in the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(CALLS_A_ROUND):
            action()
        rounds.append((time.perf_counter() - started) / CALLS_A_ROUND * 1e6)
    return median(rounds)


def resident_megabytes() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def tell(said: Said) -> None:
    """Write a line at once."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


PROBES: dict[str, Callable[..., Said]] = {
    "calls": calls,
    "first_read": first_read,
    "import": import_library,
    "memory": memory,
    "refresh": refresh,
    "subscriber": subscriber,
}


def main(words: Sequence[str]) -> None:
    """Measure one thing."""
    tell(PROBES[words[0]](*words[1:]))


if __name__ == "__main__":
    main(sys.argv[1:])

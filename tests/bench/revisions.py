"""Appends new revisions of the text catalogue: `python -m bench.revisions DATA_DIR SEED_DIR SECONDS PAUSE`.

Each revision changes one description, as an edit does. Prints how many it appended, the last one,
and when that was by the monotonic clock.
"""

import asyncio
import csv
import io
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from registry.blobs import Blobs
from registry.journal import Journal
from registry.seeding import seed
from registry.sources import SeedSource, read_directory
from registry.state import State
from service_kit.file_object_store import FileObjectStore

NICENESS = 10  # the machine has few processors, and another one would do this work
TEXT = "text_generation"
CSV = "models.csv"


def edited(source: SeedSource, n: int) -> SeedSource:
    """Return the source with another description of one text model."""
    rows = list(csv.reader(io.StringIO(source.categories[TEXT][CSV].decode(), newline="")))
    column = rows[0].index("description")
    rows[1 + n % (len(rows) - 1)][column] = f"Changed for the {n}th time."
    target = io.StringIO(newline="")
    csv.writer(target, lineterminator="\r\n").writerows(rows)
    return replace(source, categories={**source.categories, TEXT: {CSV: target.getvalue().encode()}})


async def append(data_dir: Path, seed_dir: Path, seconds: float, pause_seconds: float) -> dict[str, float]:
    """Append until the time is over; return how many revisions, the last one, and when that was."""
    store = FileObjectStore(data_dir)
    journal, blobs = Journal(store), Blobs(store)
    source = await read_directory(seed_dir)
    state, appended, committed = await journal.catch_up(State()), 0, 0.0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        source = edited(source, state.sequence)
        outcome = await seed(journal, blobs, source, state=state, actor="bench")
        state, appended, committed = outcome.state, appended + outcome.changed, time.monotonic()
        await asyncio.sleep(pause_seconds)
    return {"appended": appended, "revision": state.revision, "committed_monotonic": committed}


def main() -> None:
    os.nice(NICENESS)
    data_dir, seed_dir, seconds, pause_seconds = sys.argv[1:]
    done = asyncio.run(append(Path(data_dir), Path(seed_dir), float(seconds), float(pause_seconds)))
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main()

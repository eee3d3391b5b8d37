"""Listing and filtering a long queue."""

from bench.figures import Figure
from bench.percentiles import p99_figure
from bench.write_stack import QUEUE, Scene
from support.some_horde import READER

TARGET_MS = 20.0
QUERIES = {
    "first page of 50": "limit=50",
    "last page of 50": "limit=50&offset={last}",
    "page of 500": "limit=500",
    "filtered by status and category": "statuses=pending&categories=image_generation&limit=50",
    "filtered by part of the name": "model_name=a&limit=50",
    "filtered by user, page of 500": "requested_by=101&statuses=pending&limit=500",
    "filtered, nothing found": "model_name=no-such-model&limit=50",
}


async def measure(scene: Scene, *, repeats: int) -> list[Figure]:
    """Return the p99 of each kind of list, asked for over one connection to a write-queue."""
    door = scene.doors[1]
    figures = []
    for name, query in QUERIES.items():
        path = f"{QUEUE}/changes?{query.format(last=scene.changes - 50)}"
        first = await door.ask("GET", path, key=READER)
        taken = [(await door.ask("GET", path, key=READER)).milliseconds for _ in range(repeats)]
        note = f"{first.value['total']:,} found"
        figures.append(p99_figure(f"list of {scene.changes:,} changes, {name}: p99", taken, TARGET_MS, note))
    return figures

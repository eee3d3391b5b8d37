"""How soon the service answers after its start, and how much memory it holds."""

import statistics
from pathlib import Path

from bench.children import resident_megabytes, wait_until_quiet
from bench.figures import Figure
from bench.service import serving

STARTS = 5
QUIET_SECONDS = 30.0


def measure(data_dir: Path) -> list[Figure]:
    """Return ready time and resident memory on a directory that is filled already."""
    ready: list[float] = []
    for _ in range(STARTS - 1):
        with serving(data_dir) as service:
            ready.append(service.ready_seconds)
    with serving(data_dir) as service:
        ready.append(service.ready_seconds)
        at_once = resident_megabytes(service.pid)
        wait_until_quiet(service.pid, timeout_seconds=QUIET_SECONDS)
        settled, peak = resident_megabytes(service.pid), resident_megabytes(service.pid, peak=True)
    note = f"median of {STARTS}, {min(ready):.2f} to {max(ready):.2f}"
    return [
        Figure("ready from a filled store", statistics.median(ready), "s", 1.0, note=note),
        Figure(
            "resident memory, settled",
            settled,
            "MB",
            150.0,
            note=f"{at_once:.0f} when ready, {peak:.0f} at its peak",
        ),
    ]

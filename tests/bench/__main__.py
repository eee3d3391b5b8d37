"""Run the measurements, print a table, and write bench-report.json.

Exit status: 0 when every target is reached, 1 when one is missed or a step could not run.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from bench import client_side, growth, latency, searching, sse, starting, stats_side, throughput, write_side
from bench.catalogues import seed_directory
from bench.failures import attempt
from bench.figures import Figure, all_reached, table, write_report
from bench.service import fill

STEPS = ("start", "throughput", "search", "latency", "sse", "growth", "write", "stats", "client")
Step = Callable[[], list[Figure]]


def main() -> int:
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by which every child is ended
    started = time.monotonic()
    seed_dir, described = seed_directory()
    sys.stdout.write(f"measuring with {described}\n")
    with tempfile.TemporaryDirectory(prefix="horde-bench-") as folder:
        steps = make_steps(Path(folder), seed_dir, quick=arguments.quick)
        figures = [figure for name in arguments.steps or STEPS for figure in attempt(name, steps[name])]
    seconds = round(time.monotonic() - started)
    write_report(arguments.report, figures, circumstances(described, seconds))
    sys.stdout.write(f"\n{table(figures)}\n\nwritten to {arguments.report} after {seconds} s\n")
    return 0 if all_reached(figures) else 1


def make_steps(work_dir: Path, seed_dir: Path, *, quick: bool = False) -> Mapping[str, Step]:
    """Return the steps by name, in the order in which they run."""

    @cache
    def filled() -> Path:
        data_dir = work_dir / "data"
        fill(data_dir, seed_dir)
        return data_dir

    return {
        "start": lambda: starting.measure(filled()),
        "throughput": lambda: throughput.measure(filled(), work_dir),
        "search": lambda: searching.measure(filled()),
        "latency": lambda: latency.measure(filled(), seed_dir),
        "sse": lambda: sse.measure(filled(), seed_dir),
        "growth": partial(growth.measure, work_dir),
        "write": lambda: write_side.measure(work_dir, seed_dir, quick=quick),
        "stats": lambda: stats_side.measure(filled(), work_dir),
        "client": lambda: client_side.measure(filled(), seed_dir, work_dir, quick=quick),
    }


def circumstances(described: str, seconds: int) -> dict[str, object]:
    """Return what the figures depend on beside the code."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "catalogue": described,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_average": os.getloadavg(),
        "seconds": seconds,
    }


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}; none: all")
    parser.add_argument("--report", type=Path, default=Path("bench-report.json"))
    parser.add_argument(
        "--quick", action="store_true", help="fewer samples of the write side and of the library: for a look"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.steps) - set(STEPS):
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())

"""Figures of many samples that were taken on a busy machine."""

import statistics
from collections.abc import Mapping, Sequence

from bench.figures import Figure
from bench.percentiles import percentile


def column(said: Sequence[Mapping[str, float]], name: str) -> list[float]:
    """Return one of the numbers that every program said."""
    return [float(one[name]) for one in said]


def today(before: str, note: str) -> str:
    """Say beside a figure what it is with the library that is replaced (python-client.md section 15)."""
    return f"today {before}; {note}"


def seconds_figure(name: str, said: Sequence[Mapping[str, float]], target: float, before: str) -> Figure:
    """Return the median by the clock; what the processors worked depends less on the neighbours."""
    taken, worked = column(said, "seconds"), column(said, "processor_seconds")
    note = (
        f"median of {len(taken)}, {min(taken):.3f} to {max(taken):.3f}; "
        f"{statistics.median(worked):.3f} of a processor"
    )
    return Figure(name, statistics.median(taken), "s", target, note=today(before, note))


def stall_figure(name: str, said: Sequence[Mapping[str, float]], target: float | None) -> Figure:
    """Return the median of the longest delays."""
    taken, calm = column(said, "stall"), column(said, "calm")
    note = (
        f"longest of each, median of {len(taken)}, {min(taken):.1f} to {max(taken):.1f}; "
        f"{statistics.median(calm):.1f} while nothing happens; "
        f"longest garbage collection {statistics.median(column(said, 'collecting')):.1f}; "
        f"took {statistics.median(column(said, 'seconds')):.2f} s"
    )
    return Figure(name, statistics.median(taken), "ms", target, note=today("300 to 370", note))


def call_figure(name: str, taken: Sequence[float], target: float | None, before: str) -> Figure:
    """Return the median of what a call takes."""
    note = f"median of {len(taken)} programs, {min(taken):.2f} to {max(taken):.2f}"
    return Figure(name, statistics.median(taken), "us", target, note=today(before, note) if before else note)


def seen_figure(name: str, samples: Sequence[float], target: float | None, note: str) -> Figure:
    """Return the p99 of moments at which changes were seen, in milliseconds."""
    cuts = ", ".join(f"p{round(share * 100)} {percentile(samples, share):.0f}" for share in (0.5, 0.9))
    described = f"{len(samples)} samples: {cuts}, max {max(samples):.0f}"
    return Figure(
        name, percentile(samples, 0.99), "ms", target, note=f"{described}; {note}" if note else described
    )

"""Percentiles of samples, and what is said about them in a table."""

import math
from collections.abc import Iterable, Sequence

from bench.figures import Figure


def percentile(samples: Iterable[float], share: float) -> float:
    """Return the smallest sample that at least this share of all does not exceed."""
    taken = sorted(samples)
    if not taken:
        raise RuntimeError("nothing was measured")
    return taken[max(0, math.ceil(len(taken) * share) - 1)]


def spread(samples: Sequence[float]) -> str:
    """Describe how samples lie."""
    p50, p90 = percentile(samples, 0.5), percentile(samples, 0.9)
    return f"{len(samples)} samples: p50 {p50:.1f}, p90 {p90:.1f}, max {max(samples):.1f}"


def p99_figure(name: str, samples: Sequence[float], target: float | None = None, note: str = "") -> Figure:
    """Return the p99 of samples in milliseconds."""
    described = f"{spread(samples)}; {note}" if note else spread(samples)
    return Figure(name, percentile(samples, 0.99), "ms", target, note=described)

"""The tables of one run, as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table; all columns but the first are numbers or short."""
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(['---', *['--:'] * (len(head) - 1)])}|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def latencies(result: Mapping[str, Any]) -> list[str]:
    """Return requests and latency by kind."""
    seconds = result["asked"]["seconds"]
    rows = [
        (
            one["kind"],
            f"{one['count']:,}",
            f"{one['count'] / seconds:.1f}",
            *(_milliseconds(one[name]) for name in ("p50", "p99", "p999", "max")),
            share(one["failed"], one["count"]),
            ", ".join(f"{outcome}: {count:,}" for outcome, count in one["outcomes"].items()),
        )
        for one in result["kinds"]
    ]
    head = ("kind", "requests", "per s", "p50 ms", "p99 ms", "p99.9 ms", "slowest ms", "failed", "answers")
    return table(head, rows)


def memory(result: Mapping[str, Any]) -> list[str]:
    """Return memory and processor time of each part."""
    usage, seconds = result["usage"], result["asked"]["seconds"]
    rows = []
    for part, sizes in sorted(usage["megabytes"].items()):
        known = [size for size in sizes if size is not None]
        if not known:
            continue
        spent = usage["processor_seconds"].get(part, 0.0)
        rows.append(
            (part, *(f"{one:.0f}" for one in (known[0], known[-1], max(known))), f"{spent / seconds:.2f}")
        )
    return table(("part", "MB at first", "MB at the end", "MB at most", "processors"), rows)


def faults(result: Mapping[str, Any]) -> list[str]:
    """Return each fault, how long everything took to be itself again, and how reads went meanwhile."""
    rows = [
        (
            f"{one['how']} {one['part']}",
            f"{one['from']:.0f}",
            f"{one['seconds']:.1f}",
            "NEVER" if one["converged"] is None else f"{one['converged']:.1f}",
            f"{one['reads'].get('count', 0):,.0f}",
            _milliseconds(one["reads"].get("p99")),
            _milliseconds(one["reads"].get("max")),
        )
        for one in result["faults"]
    ]
    head = ("fault", "at s", "for s", "converged after s", "reads", "p99 ms", "slowest ms")
    return table(head, rows)


def convergence(result: Mapping[str, Any]) -> list[str]:
    """Return the convergence times by part and kind of fault."""
    found: dict[tuple[str, str], list[float]] = {}
    for one in result["faults"]:
        if one["converged"] is not None:
            kind = (
                one["part"].rpartition("-")[0]
                if one["part"][-1].isdecimal() and "-" in one["part"]
                else one["part"]
            )
            found.setdefault((kind, one["how"]), []).append(one["converged"])
    rows = [
        (f"{how} {part}", str(len(times)), f"{median(times):.1f}", f"{max(times):.1f}")
        for (part, how), times in sorted(found.items())
    ]
    return table(("fault", "times", "converged after s (median)", "at most"), rows)


def share(part: float, whole: float) -> str:
    """Return a share in percent, and 0 only if there was nothing at all."""
    if not part:
        return "0"
    return f"{part:,.0f} ({100 * part / whole:.3f} %)"


def _milliseconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"

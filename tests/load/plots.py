"""The plots of one run."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from load.svg import Band, Line, Plot

QUANTILES: Final = (("p50", "p50"), ("p99", "p99"), ("max", "slowest"))


def plots(result: Mapping[str, Any]) -> dict[str, Plot]:
    """Return the plots by the names of their files."""
    name, timeline = result["name"], result["timeline"]
    bands = [
        Band(one["from"], one["to"], f"{one['how']} {one['part']}, {one['seconds']:.1f} s")
        for one in result.get("faults", ())
    ]
    made = {
        f"{name}-throughput": _throughput(timeline, bands),
        f"{name}-reads": _latency("Latency of reads, from when they were due", timeline["reads"], bands),
    }
    if timeline["writes"]:
        made[f"{name}-writes"] = _latency("Latency of writes", timeline["writes"], bands)
    if result["usage"]["at"]:
        made[f"{name}-memory"] = _memory(result["usage"], bands)
    return made


def _throughput(timeline: Mapping[str, Any], bands: Sequence[Band]) -> Plot:
    seconds, reads = timeline["bin_seconds"], timeline["reads"]
    answered = [(one["at"], (one["count"] - one["failed"]) / seconds) for one in reads]
    failed = [(one["at"], one["failed"] / seconds) for one in reads]
    lines = [Line("reads answered", answered), Line("reads failed", failed)]
    if writes := timeline["writes"]:
        counts = {one["at"]: (one["count"] - one["failed"]) / seconds for one in writes}
        lines.append(Line("writes accepted", [(at, counts.get(at, 0.0)) for at, _ in answered]))
    return Plot("Throughput", "per second", lines, bands)


def _latency(title: str, bins: Sequence[Mapping[str, float]], bands: Sequence[Band]) -> Plot:
    lines = [Line(name, [(one["at"], one.get(key)) for one in bins]) for key, name in QUANTILES]
    return Plot(title, "milliseconds", lines, bands, is_logarithmic=True)


def _memory(usage: Mapping[str, Any], bands: Sequence[Band]) -> Plot:
    lines = [
        Line(part, [(at, size) for at, size in zip(usage["at"], sizes, strict=True) if at >= 0])
        for part, sizes in sorted(usage["megabytes"].items())
    ]
    return Plot("Memory of every part", "MB", lines, bands)

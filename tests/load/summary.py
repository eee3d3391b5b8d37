"""From what a run met to the figures of its report, as a JSON object."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bench.percentiles import percentile
from load.parts import Usage
from load.samples import Sample
from load.traffic import Extent, Met

BIN_SECONDS: Final = 2.0
WRITES: Final = ("propose", "approve", "apply")
OLDEST_SECONDS: Final = 15.0  # without events a reader asks every 3 s; the rest is for a busy machine
NOT_DATED: Final = ("statistics",)  # they have times of their own
SHARES: Final = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


def summary(name: str, extent: Extent, met: Met, usage: Usage, **more: Any) -> dict[str, Any]:
    """Return everything that the report tells of a run."""
    reads = [one for one in met.samples if one.kind not in WRITES]
    return {
        "name": name,
        "asked": {
            "seconds": extent.seconds,
            "reads_per_second": extent.rate,
            "edits_per_second": extent.edits,
            "listeners": extent.listeners,
            "readers": extent.readers,
            "generators": extent.generators,
            "seed": extent.seed,
        },
        "kinds": kinds(met.samples),
        "timeline": {
            "bin_seconds": BIN_SECONDS,
            "reads": timeline(reads),
            "writes": timeline([one for one in met.samples if one.kind in WRITES]),
        },
        "lateness": _percentiles(met.lateness),
        "age": ages(reads, met.heard()),
        "answers": {
            "compared": met.comparison.answers,
            "different": met.comparison.different,
            "revisions": met.head,
        },
        "listeners": _listeners(met),
        "counts": met.counts,
        "usage": {
            "at": usage.at,
            "megabytes": usage.megabytes,
            "processor_seconds": {part: round(used, 1) for part, used in usage.processor_seconds.items()},
        },
        "problems": met.problems,
        **more,
    }


def kinds(samples: Iterable[Sample]) -> list[dict[str, Any]]:
    """Return percentiles of the latency of each kind of request, and how many failed in what way.

    Those that failed count too: whoever waited for an error has waited.
    """
    by_kind: dict[str, list[Sample]] = {}
    for one in samples:
        by_kind.setdefault(one.kind, []).append(one)
    return [
        {
            "kind": kind,
            "count": len(taken),
            "failed": sum(one.failed for one in taken),
            "outcomes": dict(sorted(Counter(one.outcome for one in taken).items())),
            **_percentiles([one.milliseconds for one in taken]),
        }
        for kind, taken in sorted(by_kind.items())
    ]


def timeline(samples: Iterable[Sample]) -> list[dict[str, float]]:
    """Return count, failures and percentiles of each interval, by when the requests were due."""
    bins: dict[int, list[Sample]] = {}
    for one in samples:
        bins.setdefault(int(one.at // BIN_SECONDS), []).append(one)
    return [
        {
            "at": number * BIN_SECONDS,
            "count": len(taken),
            "failed": sum(one.failed for one in taken),
            **_percentiles([one.milliseconds for one in taken]),
        }
        for number, taken in sorted(bins.items())
    ]


def ages(reads: Sequence[Sample], heard: Mapping[int, Sequence[float]]) -> dict[str, Any]:
    """Return how old answers were: for how long the next revision was known to somebody when they came.

    An answer of the newest revision has no age.
    """
    known = sorted((times[0], number) for number, times in heard.items() if times)
    moments = [moment for moment, _ in known]
    newest = [number for _, number in known]
    found = []
    dated = [one for one in reads if one.revision and one.kind not in NOT_DATED]
    for one in dated:
        came = one.at + one.milliseconds / 1000
        at_hand = newest[: bisect_right(moments, came)]
        if not at_hand or max(at_hand[-1], one.revision) == one.revision:
            continue
        successor = moments[bisect_right(newest, one.revision)]
        found.append((came - successor) * 1000)
    return {"dated": len(dated), "older": len(found), **_percentiles(found)}


def failed_reads(met: Met) -> list[str]:
    """Return every way in which reads failed, as problems."""
    failed = [one for one in met.samples if one.kind not in WRITES and one.failed]
    by_kind: dict[tuple[str, str], list[float]] = {}
    for one in failed:
        by_kind.setdefault((one.kind, one.outcome), []).append(one.at)
    problems = [
        f"{len(times)} reads failed, {kind}: {outcome}, the first at {times[0]:.1f} s"
        for (kind, outcome), times in sorted(by_kind.items())
    ]
    openings: Mapping[str, int] = met.listeners.get("openings", {})
    problems += [
        f"{count} listeners were refused: {status}"
        for status, count in openings.items()
        if status.isdecimal() and int(status) >= 400
    ]
    return problems


def old_answers(met: Met) -> list[str]:
    """Return, as a problem, answers that were older than anything allows, if none said that it is stale."""
    oldest = ages([one for one in met.samples if one.kind not in WRITES], met.heard()).get("max", 0.0)
    if oldest <= OLDEST_SECONDS * 1000 or met.counts.get("stale"):
        return []
    return [f"an answer was {oldest / 1000:.1f} s behind and did not say that it is stale"]


def _listeners(met: Met) -> dict[str, Any]:
    """Return what listeners heard: how long after the first one the others heard of a revision."""
    heard = {number: times for number, times in met.heard().items() if times and times[0] >= 0}
    spread = [(one - times[0]) * 1000 for times in heard.values() for one in times]
    told = {name: met.listeners.get(name) for name in ("listeners", "openings", "resets", "behind")}
    return {
        **told,
        "waited_seconds": met.listeners.get("waited_seconds"),
        "gaps": len(met.listeners.get("gaps", ())),
        "events": len(spread),
        "revisions": len(heard),
        "after_the_first": _percentiles(spread),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    taken = sorted(values)
    found = {name: round(percentile(taken, share), 2) for name, share in SHARES.items()}
    return {**found, "max": round(taken[-1], 2)}

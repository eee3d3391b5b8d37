"""What came of a run, in sentences."""

from collections.abc import Mapping
from typing import Any, Final

from load.mix import SHARES
from load.tables import share

MOST_LISTED: Final = 30


def verdict(result: Mapping[str, Any]) -> list[str]:
    """Return whether the promises were kept, and the figures beside that."""
    problems, age, answers = result["problems"], result["age"], result["answers"]
    kept = f"{len(problems)} promises were broken." if problems else "Every promise was kept."
    compared, different = f"{answers['compared']:,}", f"{answers['different']:,}"
    lines = [
        f"**{kept}**",
        "",
        f"- reads: {_reads(result)}",
        f"- answers compared with the journal: {compared}, of {different} kinds by address and revision",
        f"- changes: {_edits(result['counts'])}",
    ]
    if journal := result.get("journal"):
        lines.append(f"- journal: {journal['entries']:,} entries, {journal['revisions']:,} revisions")
    if age.get("older"):
        lines += [
            f"- answers of a revision while somebody knew the next one: {share(age['older'], age['dated'])}",
            f"- for how long somebody had known it: {_spread(age)}",
            f"- answers older than what the same client had: {result['counts'].get('backwards', 0):,}",
        ]
    if result["listeners"].get("listeners"):
        lines += _listening(result["listeners"])
    return [*lines, *(f"- BROKEN: {problem}" for problem in problems[:MOST_LISTED])]


def circumstances(result: Mapping[str, Any]) -> list[str]:
    """Return where and with what it was measured."""
    machine, asked = result["machine"], result["asked"]
    system = ", ".join(f"{name} {count}" for name, count in result["system"].items())
    return [
        f"- when: {machine['at']}; load average before: {machine['load_average']}",
        f"- machine: {machine['processors']} x {machine['processor']}, {machine['memory_gib']} GiB",
        f"- software: {machine['system']}, Python {machine['python']}; {system}",
        f"- reads offered: {asked['reads_per_second']:g} a second, of {asked['readers']} clients",
        f"- changes offered: {asked['edits_per_second']:g} a second, each of two records in four writes",
        f"- listeners to the live feed: {asked['listeners']:,}; seed {asked['seed']}",
        f"- the sender itself was late, which the latencies contain: {_spread(result['lateness'])}",
    ]


def _reads(result: Mapping[str, Any]) -> str:
    seconds = result["asked"]["seconds"]
    reads = [one for one in result["kinds"] if one["kind"] in SHARES]
    total, failed = (sum(one[name] for one in reads) for name in ("count", "failed"))
    return f"{total:,} in {seconds:g} s ({total / seconds:.0f} a second), failed {share(failed, total)}"


def _edits(counts: Mapping[str, int]) -> str:
    mark = "edits "
    found = {name.removeprefix(mark): count for name, count in counts.items() if name.startswith(mark)}
    return ", ".join(f"{name} {count:,}" for name, count in found.items()) or "none"


def _listening(listening: Mapping[str, Any]) -> list[str]:
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(listening["openings"].items()))
    told = f"told {listening['events']:,} times of {listening['revisions']:,} revisions"
    missed = f"gaps {listening['gaps']}, begun anew {listening['resets']:,}"
    lines = [
        f"- listeners: {listening['listeners']:,}, {told}; {missed}, behind at the end {listening['behind']}",
        f"- their connections by status: {statuses}",
    ]
    if after := listening["after_the_first"]:
        lines.append(f"- from the first who heard of a revision to the others: {_spread(after)}")
    return lines


def _spread(values: Mapping[str, float]) -> str:
    if not values.get("max"):
        return "not at all"
    return f"p50 {values['p50']:,.0f} ms, p99 {values['p99']:,.0f} ms, at most {values['max']:,.0f} ms"

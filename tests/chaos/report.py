"""The report of a run: a table for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from chaos.arena import Outcome


def write_reports(path: Path, circumstances: Mapping[str, object], outcomes: Sequence[Outcome]) -> None:
    """Write `path` with the suffixes .json and .md."""
    content = {
        **circumstances,
        "passed": all(not outcome.problems for outcome in outcomes),
        "scenarios": [
            {
                "name": outcome.name,
                "seconds": round(outcome.seconds, 1),
                "problems": outcome.problems,
                "figures": outcome.figures,
            }
            for outcome in outcomes
        ],
    }
    path.with_suffix(".json").write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(markdown(circumstances, outcomes), encoding="utf-8")


def markdown(circumstances: Mapping[str, object], outcomes: Sequence[Outcome]) -> str:
    """Return the report for people."""
    lines = ["# Chaos report", ""]
    lines += [f"- {name}: {value}" for name, value in circumstances.items()]
    lines += ["", "| scenario | seconds | problems | figures |", "|---|---|---|---|"]
    for outcome in outcomes:
        figures = "; ".join(f"{name}: {value}" for name, value in outcome.figures.items())
        lines.append(f"| {outcome.name} | {outcome.seconds:.0f} | {len(outcome.problems)} | {figures} |")
    for outcome in outcomes:
        if outcome.problems:
            lines += ["", f"## {outcome.name}", ""]
            lines += [f"- {problem}" for problem in outcome.problems]
    return "\n".join(lines) + "\n"

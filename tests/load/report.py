"""Write docs/reports/load-and-chaos.md, and its plots, from what the runs left behind.

`python -m load.report [--runs build/reports] [--to docs/reports]`
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from load import tables
from load.findings import circumstances, verdict
from load.mix import SHARES
from load.plots import plots
from load.svg import render

PAGE: Final = "load-and-chaos.md"
RUNS: Final = {"load": "Load", "chaos": "Chaos"}
INTRODUCTION: Final = """# Load and chaos

Written by `make load`, `make chaos ARGS=mixed` and `make report`. The numbers are of the runs named below, on
one machine that also ran the clients. Requests are sent when they are due, whatever became of those before
them, and latency counts from when a request was due: a server that falls behind shows it.

Every answer is checked. Documents must have the hash that the journal entry of their `X-Revision` names; a
`304` must be right about what the client has; records and searches must be what the document of that revision
gives; a demanded `X-Min-Revision` must be kept; a listener to the live feed must hear of every revision, in
order. At the end the journal is read past all services: every change that a client was told is accepted is in
it once, none that was refused, and the edited records are live in pairs, none older than the last accepted
change.
"""
CONVERGED: Final = """Converged: from the end of the fault, the start of what was killed included, until a new
change was accepted and every instance of every service was at its revision. Reads: from the beginning of the
fault until then.
"""
MEMORY: Final = """Pages that processes share are divided among them. Processors: how many the part kept busy
on average.
"""


def main() -> int:
    arguments = parse_arguments()
    results = [
        json.loads(path.read_text(encoding="utf-8"))
        for name in RUNS
        if (path := arguments.runs / f"{name}.json").is_file()
    ]
    if not results:
        sys.stderr.write(f"no run has left anything in {arguments.runs}\n")
        return 1
    arguments.to.mkdir(parents=True, exist_ok=True)
    for result in results:
        for name, plot in plots(result).items():
            (arguments.to / f"{name}.svg").write_text(render(plot), encoding="utf-8")
    (arguments.to / PAGE).write_text(page(results), encoding="utf-8")
    sys.stdout.write(f"written to {arguments.to / PAGE}\n")
    return 0


def page(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the whole report."""
    shares = "; ".join(f"{share:.0%} {kind}" for kind, share in SHARES.items())
    lines = [INTRODUCTION, f"The reads: {shares}.", ""]
    for result in results:
        lines += section(result)
    return "\n".join(lines)


def section(result: Mapping[str, Any]) -> list[str]:
    """Return what is told of one run."""
    name = result["name"]
    lines = [f"## {RUNS[name]}", "", *verdict(result), "", *circumstances(result), ""]
    lines += ["### Requests", "", *tables.latencies(result), ""]
    for file, plot in plots(result).items():
        if file != f"{name}-memory":
            lines += [f"![{plot.title}]({file}.svg)", ""]
    if result.get("faults"):
        lines += ["### Faults", "", *tables.convergence(result), "", *tables.faults(result), "", CONVERGED]
    if result["usage"]["at"]:
        lines += ["### Memory", "", *tables.memory(result), "", f"![Memory]({name}-memory.svg)", "", MEMORY]
    return lines


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m load.report", description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("build/reports"))
    parser.add_argument("--to", type=Path, default=Path("docs/reports"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

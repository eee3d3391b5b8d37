"""What was measured, beside what is wanted: the table and the report."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `measured` is None where it could not be taken; `note` then says why.

    Without a target it is there for information. `at_most` says on which side of the target is good.
    """

    name: str
    measured: float | None
    unit: str
    target: float | None = None
    at_most: bool = True
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.measured is None:
            return False
        if self.target is None:
            return None
        return self.measured <= self.target if self.at_most else self.measured >= self.target


def missing(step: str, reason: str) -> Figure:
    """Return what stands in the table for a step that could not run."""
    return Figure(step, None, "", note=f"NOT MEASURED: {reason}")


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as lines of text in columns."""
    rows = [("figure", "measured", "target", "reached", "")]
    rows += [(one.name, _measured(one), _target(one), _reached(one), one.note) for one in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(_line(row, widths) for row in rows)


def write_report(path: Path, figures: Iterable[Figure], circumstances: dict[str, Any]) -> None:
    """Write the figures and the circumstances they were taken in as JSON."""
    items = [{**asdict(one), "reached": one.reached} for one in figures]
    path.write_text(json.dumps({"circumstances": circumstances, "figures": items}, indent=2) + "\n")


def all_reached(figures: Iterable[Figure]) -> bool:
    """Whether every target is met and nothing is missing."""
    return all(one.reached is not False for one in figures)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    name, measured, target, reached = row[:4]
    cells = (f"{name:<{widths[0]}}", f"{measured:>{widths[1]}}", f"{target:>{widths[2]}}")
    return "  ".join([*cells, f"{reached:<{widths[3]}}", row[4]]).rstrip()


def _measured(figure: Figure) -> str:
    return "-" if figure.measured is None else f"{_number(figure.measured)} {figure.unit}".rstrip()


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return f"{'<=' if figure.at_most else '>='} {_number(figure.target)} {figure.unit}".rstrip()


def _reached(figure: Figure) -> str:
    match figure.reached:
        case None:
            return ""
        case True:
            return "yes"
        case False:
            return "NO"


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 100 else f"{value:.3g}" if value >= 10 else f"{value:.3f}"

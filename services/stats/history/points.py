"""The figures of one hour or day, and how hours become days."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any, Final

from stats.history.object_names import DAY_SECONDS, HOUR_SECONDS, floored

Value = float | int | None
Values = tuple[Value, ...]

COLUMNS: Final = (
    "thread_count_mean",
    "thread_count_max",
    "worker_count_mean",
    "worker_count_max",
    "usage_day",
    "usage_month",
    "usage_total",
)
"""What is kept of an hour. Means and maxima are over its samples; usage is what was told last.

`usage_day` counts the 24 hours before, `usage_month` the 30 days before, `usage_total` everything.
"""

NOTHING_KNOWN: Final[Values] = (None,) * len(COLUMNS)
DECIMALS: Final = 2


class Step(StrEnum):
    """How long the time of a point is."""

    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        """Its length."""
        return HOUR_SECONDS if self is Step.HOUR else DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of the time that begins `at` (Unix seconds), in the order of `COLUMNS`.

    `rest` holds what only the totals of a category have; of several points the last counts.
    """

    at: int
    samples: int
    values: Values
    unattributed: Values | None = None
    rest: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is answered."""
        value: dict[str, Any] = {"at": self.at, "samples": self.samples, **self.rest}
        value.update(zip(COLUMNS, self.values, strict=True))
        if self.unattributed is not None:
            named = zip(COLUMNS, self.unattributed, strict=True)
            value["unattributed"] = {name: one for name, one in named if not name.startswith("worker")}
        return value


def in_steps(points: Iterable[Point], step: Step) -> list[Point]:
    """Return the points of hours, which are ordered by time, as points of the step."""
    if step is Step.HOUR:
        return list(points)
    days = groupby(points, key=lambda point: floored(point.at, step.seconds))
    return [_joined(at, list(some)) for at, some in days]


def _joined(at: int, points: Sequence[Point]) -> Point:
    weights = [point.samples for point in points]
    unattributed = [point.unattributed for point in points if point.unattributed is not None]
    return Point(
        at=at,
        samples=sum(weights),
        values=_joined_values(weights, [point.values for point in points]),
        unattributed=_joined_values(weights, unattributed) if len(unattributed) == len(points) else None,
        rest=points[-1].rest,
    )


def _joined_values(weights: Sequence[int], rows: Sequence[Values]) -> Values:
    return tuple(_HOW_TO_JOIN[name](weights, [row[n] for row in rows]) for n, name in enumerate(COLUMNS))


def _mean(weights: Sequence[int], values: Sequence[Value]) -> Value:
    known = [(weight, value) for weight, value in zip(weights, values, strict=True) if value is not None]
    total = sum(weight for weight, _ in known)
    return round(sum(weight * value for weight, value in known) / total, DECIMALS) if total else None


def _largest(_: Sequence[int], values: Sequence[Value]) -> Value:
    return max((value for value in values if value is not None), default=None)


def _last(_: Sequence[int], values: Sequence[Value]) -> Value:
    return next((value for value in reversed(values) if value is not None), None)


_HOW_TO_JOIN: Final[Mapping[str, Callable[[Sequence[int], Sequence[Value]], Value]]] = {
    name: _mean if name.endswith("_mean") else _largest if name.endswith("_max") else _last
    for name in COLUMNS
}

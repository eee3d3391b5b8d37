"""The sort order of one field over all rows, as small numbers."""

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

NULL_RANK: Final = 2**32 - 1  # missing values come last in ascending and first in descending order


@dataclass(frozen=True, slots=True)
class Ranks:
    """The rank of each row; equal values have equal ranks.

    Where values cannot be compared (objects, mixed types) ranks tell only whether two values are equal.
    """

    of_row: Sequence[int]
    comparable: bool

    def can_order(self, rows: Sequence[int]) -> bool:
        """Whether these rows have an order: values that cannot be compared must all be equal."""
        if self.comparable:
            return True
        return len({self.of_row[row] for row in rows} - {NULL_RANK}) <= 1


def rank(values: Sequence[Any]) -> Ranks:
    """Rank the values by the rules of http-read-api.md section 6; None is a missing value.

    Text sorts by code point, false before true, lists element by element.
    """
    rows = [row for row, value in enumerate(values) if value is not None]
    try:
        rows.sort(key=values.__getitem__)
    except TypeError:
        return Ranks(_equality_classes(values), comparable=False)
    ranks = array("I", [NULL_RANK]) * len(values)
    place = -1
    for index, row in enumerate(rows):
        if index == 0 or values[row] != values[rows[index - 1]]:
            place += 1
        ranks[row] = place
    return Ranks(ranks, comparable=True)


def _equality_classes(values: Sequence[Any]) -> Sequence[int]:
    classes: dict[str, int] = {}
    ranks = array("I", [NULL_RANK]) * len(values)
    for row, value in enumerate(values):
        if value is not None:
            ranks[row] = classes.setdefault(json.dumps(value, sort_keys=True), len(classes))
    return ranks

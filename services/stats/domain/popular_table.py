"""Models ranked by a live figure (statistics.md section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from horde_model_reference.integrations.horde_merge import CategoryFigures
from stats.domain.figure_columns import FigureColumns, Measure
from stats.domain.model_stats import model_stats
from stats.rendering import json_bytes, without_nulls

PARAMETERS: Final = "parameters"
PARAMETERS_OF_TYPE: Final = "parameters_count"
"""As a search names it; the stored record says `parameters` (http-read-api.md section 6)."""


@dataclass(frozen=True, slots=True)
class PopularQuery:
    """How many models, ranked by what."""

    limit: int = 10
    sort_by: Measure = Measure.WORKER_COUNT
    include_workers: bool = False


@dataclass(frozen=True, slots=True)
class PopularTable:
    """All models of a category with their records as stored."""

    figures: CategoryFigures
    columns: FigureColumns
    records: Mapping[str, Mapping[str, Any]]

    def body(self, query: PopularQuery) -> bytes:
        """Return the models at the top; those with equal figures in the order of the reference."""
        column = self.columns.column(query.sort_by, include_workers=query.include_workers)
        rows = sorted(range(len(column)), key=column.__getitem__, reverse=True)
        names = self.columns.names
        shown = (self._entry(names[row], query) for row in rows[: query.limit])
        return json_bytes(list(shown))

    def _entry(self, name: str, query: PopularQuery) -> dict[str, Any]:
        stats = model_stats(name, self.figures.models[name], include_workers=query.include_workers)
        return {"name": name, "record": _shown_record(self.records[name]), "stats": without_nulls(stats)}


def _shown_record(record: Mapping[str, Any]) -> dict[str, Any]:
    shown = without_nulls(dict(record))
    if PARAMETERS in shown:
        shown[PARAMETERS_OF_TYPE] = shown[PARAMETERS]
    return shown

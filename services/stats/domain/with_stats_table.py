"""The answer of with-stats, in pieces that a request only joins (statistics.md section 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from horde_model_reference.integrations.horde_merge import CategoryFigures
from service_kit.slices import Steps
from stats.domain.figure_columns import FigureColumns, Measure
from stats.domain.model_stats import model_stats
from stats.rendering import json_bytes

SortBy = Literal["worker_count", "usage_day", "usage_month", "usage_total", "name"]
BY_NAME: Final = "name"
MODELS_A_STEP: Final = 20


@dataclass(frozen=True, slots=True)
class Members:
    """Which members of the answer are more than null."""

    workers: bool = False
    variations: bool = False


@dataclass(frozen=True, slots=True)
class WithStatsQuery:
    """What a request wants to see, and in which order; without `sort_by` that of the reference."""

    members: Members = Members()
    min_worker_count: int | None = None
    sort_by: SortBy | None = None
    sort_desc: bool = True


@dataclass(frozen=True, slots=True)
class WithStatsTable:
    """Rows in the order of the reference; `entries` are the members of the answer, as JSON."""

    columns: FigureColumns
    entries: Mapping[Members, Sequence[bytes]]

    def body(self, query: WithStatsQuery) -> bytes:
        """Return the answer."""
        entries = self.entries[query.members]
        return b"{%b}" % b",".join([entries[row] for row in self._rows(query)])

    def _rows(self, query: WithStatsQuery) -> Sequence[int]:
        columns, include_workers = self.columns, query.members.workers
        rows: Sequence[int] = range(len(columns.names))
        least = query.min_worker_count
        if least is not None:
            counts = columns.worker_counts(include_workers=include_workers)
            rows = [row for row in rows if counts[row] >= least]
        if query.sort_by is None:
            return rows
        if query.sort_by == BY_NAME:
            return sorted(rows, key=columns.folded_names.__getitem__, reverse=query.sort_desc)
        column = columns.column(Measure(query.sort_by), include_workers=include_workers)
        return sorted(rows, key=column.__getitem__, reverse=query.sort_desc)  # stable in both directions


def with_stats_steps(
    figures: CategoryFigures, columns: FigureColumns, *, has_variations: bool
) -> Steps[WithStatsTable]:
    """Render every model in each combination of members. Without variations these are always null."""
    entries: dict[Members, Sequence[bytes]] = {}
    for workers in (False, True):
        plain = Members(workers=workers)
        varied = Members(workers=workers, variations=True)
        entries[plain] = yield from _entry_steps(figures, plain)
        entries[varied] = (yield from _entry_steps(figures, varied)) if has_variations else entries[plain]
    return WithStatsTable(columns, entries)


def _entry_steps(figures: CategoryFigures, shown: Members) -> Steps[list[bytes]]:
    entries: list[bytes] = []
    for name, model in figures.models.items():
        value = model_stats(name, model, include_workers=shown.workers, include_variations=shown.variations)
        entries.append(b"%b:%b" % (json_bytes(name), json_bytes(value)))
        if len(entries) % MODELS_A_STEP == 0:
            yield
    return entries

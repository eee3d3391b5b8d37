"""The figures of all models of a category in columns, to filter and sort by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from horde_model_reference.integrations.horde_figures import Usage
from horde_model_reference.integrations.horde_merge import CategoryFigures, ModelFigures
from stats.domain.model_stats import shown_worker_count

NOTHING: Final = Usage()


class Measure(StrEnum):
    """What models can be ranked by."""

    WORKER_COUNT = "worker_count"
    USAGE_DAY = "usage_day"
    USAGE_MONTH = "usage_month"
    USAGE_TOTAL = "usage_total"


@dataclass(frozen=True, slots=True)
class FigureColumns:
    """One row for each model in the order of the reference. What is unknown counts as 0."""

    names: Sequence[str]
    folded_names: Sequence[str]
    threads: Sequence[int]
    workers: Sequence[int]
    usage: Mapping[Measure, Sequence[int]]

    def worker_counts(self, *, include_workers: bool) -> Sequence[int]:
        """Return the `worker_count` that an answer shows."""
        return self.workers if include_workers else self.threads

    def column(self, measure: Measure, *, include_workers: bool) -> Sequence[int]:
        """Return the column of a measure."""
        if measure is Measure.WORKER_COUNT:
            return self.worker_counts(include_workers=include_workers)
        return self.usage[measure]


def columns_of(figures: CategoryFigures) -> FigureColumns:
    """Return the columns of all models."""
    models = figures.models.values()
    usages = [model.usage or NOTHING for model in models]
    return FigureColumns(
        names=list(figures.models),
        folded_names=[name.lower() for name in figures.models],
        threads=_counts(figures.models, include_workers=False),
        workers=_counts(figures.models, include_workers=True),
        usage={
            Measure.USAGE_DAY: [usage.day for usage in usages],
            Measure.USAGE_MONTH: [usage.month for usage in usages],
            Measure.USAGE_TOTAL: [usage.total for usage in usages],
        },
    )


def _counts(models: Mapping[str, ModelFigures], *, include_workers: bool) -> list[int]:
    return [shown_worker_count(model, include_workers=include_workers) or 0 for model in models.values()]

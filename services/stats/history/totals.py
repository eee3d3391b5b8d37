"""What the models of a category have together."""

from dataclasses import dataclass

from horde_model_reference.integrations.horde_figures import Usage
from horde_model_reference.integrations.horde_merge import CategoryFigures


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the reference models; None where the AI-Horde did not tell.

    Threads count once for each model that they serve, workers once in all.
    """

    models: int
    thread_count: int | None
    worker_count: int | None
    usage: Usage | None


def totals_of(figures: CategoryFigures) -> Totals:
    """Return the sums over the models of a category, without what belongs to none of them."""
    models = figures.models.values()
    threads = [model.thread_count for model in models if model.thread_count is not None]
    workers = [model.workers for model in models if model.workers is not None]
    usages = [model.usage for model in models if model.usage is not None]
    return Totals(
        models=len(models),
        thread_count=sum(threads) if threads else None,
        worker_count=len({worker.id for some in workers for worker in some}) if workers else None,
        usage=_sum_of(usages) if usages else None,
    )


def _sum_of(usages: list[Usage]) -> Usage:
    return Usage(
        sum(usage.day for usage in usages),
        sum(usage.month for usage in usages),
        sum(usage.total for usage in usages),
    )

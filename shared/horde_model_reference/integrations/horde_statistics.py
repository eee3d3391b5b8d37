"""The figures of models as the library hands them out (aihorde-api.md sections 5.2 and 6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from horde_model_reference.integrations.horde_figures import ModelStatus, Number, Usage, Worker
from horde_model_reference.integrations.horde_merge import ModelFigures, figures_of


class _Result(BaseModel):
    model_config = ConfigDict(defer_build=True)


class UsageStatistics(_Result):
    """How often a model was used in the last day, in the last month, and ever."""

    day: int = 0
    month: int = 0
    total: int = 0


class WorkerSummary(_Result):
    """A worker that serves a model."""

    id: str
    name: str
    performance: str
    online: bool
    trusted: bool
    uptime: Number


class ModelStatistics(_Result):
    """The figures of one model; None where the AI-Horde did not tell.

    `worker_count` is the number of workers where they were asked for, else that of their threads, as
    `thread_count` always is.
    """

    queued_jobs: Number | None = None
    performance: Number | None = None
    eta: Number | None = None
    queued: Number | None = None
    worker_count: int | None = None
    thread_count: int | None = None
    active_worker_count: int | None = None
    usage_stats: UsageStatistics | None = None
    worker_summaries: dict[str, WorkerSummary] | None = None


@dataclass(frozen=True, slots=True)
class HordeFigures:
    """What was received; None: not asked for, or not answered."""

    status: Iterable[ModelStatus] | None = None
    usage: Mapping[str, Usage] | None = None
    workers: Iterable[Worker] | None = None


def statistics_of(category: str, models: Iterable[str], figures: HordeFigures) -> dict[str, ModelStatistics]:
    """Return the figures of every model; each name of the AI-Horde counts for one model at most."""
    merged = figures_of(category, models, figures.status, figures.usage, figures.workers)
    return {name: _statistics(found) for name, found in merged.models.items()}


def _statistics(found: ModelFigures) -> ModelStatistics:
    workers, usage = found.workers, found.usage
    return ModelStatistics(
        queued_jobs=found.queued_jobs,
        performance=found.performance,
        eta=found.eta,
        queued=found.queued,
        worker_count=found.thread_count if workers is None else len(workers),
        thread_count=found.thread_count,
        active_worker_count=found.active_worker_count,
        usage_stats=None
        if usage is None
        else UsageStatistics(day=usage.day, month=usage.month, total=usage.total),
        worker_summaries=None if workers is None else {worker.id: _summary(worker) for worker in workers},
    )


def _summary(worker: Worker) -> WorkerSummary:
    return WorkerSummary(
        id=worker.id,
        name=worker.name,
        performance=worker.performance,
        online=worker.online,
        trusted=worker.trusted,
        uptime=worker.uptime,
    )

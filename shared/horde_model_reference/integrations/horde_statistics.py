"""The figures of the AI-Horde for each reference model (aihorde-api.md sections 5.2 and 6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from horde_model_reference.integrations.horde_figures import ModelStatus, Number, Usage, Worker
from horde_model_reference.integrations.horde_names import ImageModelNames, TextModelNames


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

    status: list[ModelStatus] | None = None
    usage: Mapping[str, Usage] | None = None
    workers: list[Worker] | None = None


def statistics_of(
    models: Iterable[str], names: ImageModelNames | TextModelNames, figures: HordeFigures
) -> dict[str, ModelStatistics]:
    """Return the figures of every model; each name of the AI-Horde counts for one model at most."""
    found = {name: ModelStatistics() for name in models}
    if figures.status is not None:
        _add_status(found, names, figures.status)
    if figures.usage is not None:
        _add_usage(found, names, figures.usage)
    if figures.workers is not None:
        _add_workers(found, names, figures.workers)
    return found


def _add_status(
    found: Mapping[str, ModelStatistics], names: ImageModelNames | TextModelNames, status: list[ModelStatus]
) -> None:
    lines: dict[str, list[ModelStatus]] = {}
    for line in status:
        owner = names.owner(line.name)
        if owner is not None:
            lines.setdefault(owner, []).append(line)
    for model, figures in found.items():
        own = lines.get(model, [])
        figures.thread_count = figures.worker_count = sum(line.threads for line in own)
        if own:
            figures.queued = sum(line.queued for line in own)
            figures.queued_jobs = sum(line.jobs for line in own)
            figures.performance = _average_performance(own)
            figures.eta = _eta(own)


def _average_performance(lines: list[ModelStatus]) -> Number:
    """Return the average weighted with the threads; without threads the best that is told."""
    if len(lines) == 1:
        return lines[0].performance
    threads = sum(line.threads for line in lines)
    if not threads:
        return max(line.performance for line in lines)
    return sum(line.performance * line.threads for line in lines) / threads


def _eta(lines: list[ModelStatus]) -> Number:
    served = [line.eta for line in lines if line.threads > 0]
    return min(served) if served else max(line.eta for line in lines)


def _add_usage(
    found: Mapping[str, ModelStatistics],
    names: ImageModelNames | TextModelNames,
    usage: Mapping[str, Usage],
) -> None:
    for figures in found.values():
        figures.usage_stats = UsageStatistics()
    for name, count in usage.items():
        owner = names.owner(name)
        sums = found[owner].usage_stats if owner is not None else None
        if sums is not None:
            sums.day += count.day
            sums.month += count.month
            sums.total += count.total


def _add_workers(
    found: Mapping[str, ModelStatistics], names: ImageModelNames | TextModelNames, workers: list[Worker]
) -> None:
    serving: dict[str, dict[str, WorkerSummary]] = {}
    for worker in workers:
        if worker.online and not worker.maintenance_mode:
            for owner in {names.owner(name) for name in worker.models} - {None}:
                serving.setdefault(str(owner), {})[worker.id] = _summary(worker)
    for model, figures in found.items():
        own = serving.get(model, {})
        figures.worker_count = figures.active_worker_count = len(own)
        figures.worker_summaries = own


def _summary(worker: Worker) -> WorkerSummary:
    return WorkerSummary(
        id=worker.id,
        name=worker.name,
        performance=worker.performance,
        online=worker.online,
        trusted=worker.trusted,
        uptime=worker.uptime,
    )

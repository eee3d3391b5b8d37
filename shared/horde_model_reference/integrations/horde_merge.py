"""The figures of the AI-Horde for each reference model (aihorde-api.md sections 5.2 and 6).

Each name of the AI-Horde counts for one model at most. The result depends on neither the order of the lines
nor that of the workers.
"""

import math
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from horde_model_reference.integrations.horde_figures import ModelStatus, Number, Usage, Worker
from horde_model_reference.integrations.horde_names import (
    Attribution,
    Backend,
    ImageModelNames,
    TextModelNames,
)
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY

DECIMALS: Final = 6
"""Sums and averages of fractions are rounded to so many; the AI-Horde itself tells two at most."""


@dataclass(frozen=True, slots=True)
class BackendFigures:
    """The share of one backend in the figures of a model; None where the AI-Horde did not tell.

    `names` are those of the AI-Horde, the most threads first, equal ones by name. A worker may serve a model
    by several backends, so the counts of workers need not sum up to those of the model; all others do.
    """

    backend: Backend
    names: tuple[str, ...]
    thread_count: int | None = None
    active_worker_count: int | None = None
    performance: Number | None = None
    queued: Number | None = None
    queued_jobs: Number | None = None
    eta: Number | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """The figures of a model; None where the AI-Horde did not tell.

    `workers` are those at work, each once, ordered by id. `backends` are those with data, in the order of
    `Backend`.
    """

    thread_count: int | None = None
    performance: Number | None = None
    queued: Number | None = None
    queued_jobs: Number | None = None
    eta: Number | None = None
    usage: Usage | None = None
    workers: tuple[Worker, ...] | None = None
    backends: tuple[BackendFigures, ...] = ()

    @property
    def active_worker_count(self) -> int | None:
        """The number of different workers."""
        return None if self.workers is None else len(self.workers)


@dataclass(frozen=True, slots=True)
class Unattributed:
    """What belongs to none of the models; sources that are missing count as 0.

    `names` are ordered by their threads, the most first, equal ones by name.
    """

    names: tuple[str, ...] = ()
    thread_count: int = 0
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """The figures of every reference model, in the order of the reference, and the rest."""

    models: Mapping[str, ModelFigures]
    unattributed: Unattributed


def figures_of(
    category: str,
    models: Iterable[str],
    status: Iterable[ModelStatus] | None,
    usage: Mapping[str, Usage] | None,
    workers: Iterable[Worker] | None,
) -> CategoryFigures:
    """Return the figures of all models of a category; None is a source that did not tell."""
    steps = merge_steps(category, models, status, usage, workers)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            figures: CategoryFigures = stop.value
            return figures


def merge_steps(
    category: str,
    models: Iterable[str],
    status: Iterable[ModelStatus] | None,
    usage: Mapping[str, Usage] | None,
    workers: Iterable[Worker] | None,
) -> Generator[None, None, CategoryFigures]:
    """Return the same as `figures_of`, and yield wherever it may be interrupted."""
    merge = _Merge(category, models, _Told(status is not None, usage is not None, workers is not None))
    for line in status or ():
        merge.tally_of(line.name).add_line(line)
        yield
    for name, count in (usage or {}).items():
        merge.tally_of(name).add_usage(name, count)
        yield
    for worker in _at_work(workers or ()):
        for name in worker.models:
            merge.tally_of(name).add_worker(name, worker)
        yield
    found = {}
    for model in merge.models:
        found[model] = merge.figures(model)
        yield
    return CategoryFigures(found, merge.unattributed())


@dataclass(frozen=True, slots=True)
class _Told:
    """Which sources there are."""

    status: bool
    usage: bool
    workers: bool


@dataclass(frozen=True, slots=True)
class _Load:
    """What the lines of the status say together."""

    performance: Number | None = None
    queued: Number | None = None
    queued_jobs: Number | None = None
    eta: Number | None = None


_NO_LOAD: Final = _Load()


@dataclass(slots=True)
class _Tally:
    """What some names of the AI-Horde have in common."""

    threads: dict[str, int] = field(default_factory=dict)
    lines: list[ModelStatus] = field(default_factory=list)
    day: int = 0
    month: int = 0
    total: int = 0
    workers: dict[str, Worker] = field(default_factory=dict)

    def add_line(self, line: ModelStatus) -> None:
        self.threads[line.name] = self.threads.get(line.name, 0) + line.threads
        self.lines.append(line)

    def add_usage(self, name: str, usage: Usage) -> None:
        self.threads.setdefault(name, 0)
        self.day += usage.day
        self.month += usage.month
        self.total += usage.total

    def add_worker(self, name: str, worker: Worker) -> None:
        self.threads.setdefault(name, 0)
        self.workers[worker.id] = worker

    @property
    def thread_count(self) -> int:
        return sum(self.threads.values())

    @property
    def usage(self) -> Usage:
        return Usage(self.day, self.month, self.total)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.threads, key=lambda name: (-self.threads[name], name)))


class _Merge:
    """Distributes names among models, each name once."""

    def __init__(self, category: str, models: Iterable[str], told: _Told) -> None:
        self.models = list(dict.fromkeys(models))
        is_text = category == MODEL_REFERENCE_CATEGORY.text_generation
        self._names = TextModelNames(self.models) if is_text else ImageModelNames(self.models)
        self._told = told
        self._by_name: dict[str, _Tally] = {}
        self._by_model: dict[str, dict[Backend, _Tally]] = {}
        self._strangers = _Tally()
        self._nothing = self._model_figures({})

    def tally_of(self, name: str) -> _Tally:
        tally = self._by_name.get(name)
        if tally is None:
            tally = self._by_name[name] = self._tally_for(self._names.attribute(name))
        return tally

    def _tally_for(self, attribution: Attribution | None) -> _Tally:
        if attribution is None:
            return self._strangers
        return self._by_model.setdefault(attribution.model, {}).setdefault(attribution.backend, _Tally())

    def unattributed(self) -> Unattributed:
        strangers = self._strangers
        return Unattributed(strangers.names, strangers.thread_count, strangers.usage)

    def figures(self, model: str) -> ModelFigures:
        tallies = self._by_model.get(model)
        return self._model_figures(tallies) if tallies else self._nothing

    def _model_figures(self, tallies: Mapping[Backend, _Tally]) -> ModelFigures:
        whole = _joined(tallies.values())
        load = _load_of(whole.lines)
        return ModelFigures(
            thread_count=whole.thread_count if self._told.status else None,
            performance=load.performance,
            queued=load.queued,
            queued_jobs=load.queued_jobs,
            eta=load.eta,
            usage=whole.usage if self._told.usage else None,
            workers=_by_id(whole.workers) if self._told.workers else None,
            backends=tuple(
                self._backend_figures(backend, tallies[backend]) for backend in Backend if backend in tallies
            ),
        )

    def _backend_figures(self, backend: Backend, tally: _Tally) -> BackendFigures:
        load = _load_of(tally.lines)
        return BackendFigures(
            backend=backend,
            names=tally.names,
            thread_count=tally.thread_count if self._told.status else None,
            active_worker_count=len(tally.workers) if self._told.workers else None,
            performance=load.performance,
            queued=load.queued,
            queued_jobs=load.queued_jobs,
            eta=load.eta,
            usage=tally.usage if self._told.usage else None,
        )


def _at_work(workers: Iterable[Worker]) -> Iterable[Worker]:
    """Return the workers that get work, each id once: the least entry of those that have the same."""
    working = (worker for worker in workers if worker.online and not worker.maintenance_mode)
    return {worker.id: worker for worker in sorted(working, reverse=True)}.values()


def _by_id(workers: Mapping[str, Worker]) -> tuple[Worker, ...]:
    return tuple(workers[identity] for identity in sorted(workers))


def _joined(tallies: Iterable[_Tally]) -> _Tally:
    whole = _Tally()
    for tally in tallies:
        whole.threads.update(tally.threads)
        whole.lines.extend(tally.lines)
        whole.day += tally.day
        whole.month += tally.month
        whole.total += tally.total
        whole.workers.update(tally.workers)
    return whole


def _load_of(lines: Sequence[ModelStatus]) -> _Load:
    if not lines:
        return _NO_LOAD
    return _Load(
        performance=_performance(lines),
        queued=_sum([line.queued for line in lines]),
        queued_jobs=_sum([line.jobs for line in lines]),
        eta=_eta(lines),
    )


def _performance(lines: Sequence[ModelStatus]) -> Number:
    """Return the average weighted with the threads; without threads the best that is told."""
    if len(lines) == 1:
        return lines[0].performance
    threads = sum(line.threads for line in lines)
    if not threads:
        return max(line.performance for line in lines)
    return round(math.fsum(line.performance * line.threads for line in lines) / threads, DECIMALS)


def _sum(values: Sequence[Number]) -> Number:
    """Return the sum, the same in any order."""
    if all(isinstance(value, int) for value in values):
        return sum(values)
    return round(math.fsum(values), DECIMALS)


def _eta(lines: Sequence[ModelStatus]) -> Number:
    """Return the shortest wait where somebody works, else the longest."""
    served = [line.eta for line in lines if line.threads > 0]
    return min(served) if served else max(line.eta for line in lines)

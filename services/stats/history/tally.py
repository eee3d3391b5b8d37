"""What is counted during an hour."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter, ValidationError

from horde_model_reference.integrations.horde_figures import Usage
from horde_model_reference.integrations.horde_merge import CategoryFigures
from stats.domain.runtime import Source
from stats.history.points import DECIMALS, Value, Values
from stats.history.totals import Totals, totals_of


@dataclass(slots=True)
class Spread:
    """A figure that was looked at several times."""

    count: int = 0
    total: int = 0
    largest: int = 0

    def add(self, value: int | None) -> None:
        """Count one look; None is none."""
        if value is not None:
            self.count += 1
            self.total += value
            self.largest = max(self.largest, value)

    def join(self, other: "Spread") -> None:
        """Count the looks of the other too."""
        self.count += other.count
        self.total += other.total
        self.largest = max(self.largest, other.largest)

    @property
    def values(self) -> tuple[Value, Value]:
        """Mean and maximum."""
        if not self.count:
            return None, None
        mean = round(self.total / self.count, DECIMALS)
        return int(mean) if mean.is_integer() else mean, self.largest


@dataclass(slots=True)
class Row:
    """The figures of a model, of all models, or of what belongs to none."""

    threads: Spread = field(default_factory=Spread)
    workers: Spread = field(default_factory=Spread)
    usage: Usage | None = None

    def add(self, threads: int | None, workers: int | None, usage: Usage | None) -> None:
        """Count one sample; None is what is not known."""
        self.threads.add(threads)
        self.workers.add(workers)
        self.usage = self.usage if usage is None else usage

    def join(self, other: "Row") -> None:
        """Count the samples of the other, which are older, too."""
        self.threads.join(other.threads)
        self.workers.join(other.workers)
        self.usage = self.usage or other.usage

    @property
    def values(self) -> Values:
        """The figures in the order of `points.COLUMNS`."""
        usage = self.usage
        told = (None, None, None) if usage is None else (usage.day, usage.month, usage.total)
        return (*self.threads.values, *self.workers.values, *told)


@dataclass(slots=True)
class HourTally:
    """The samples of one hour of a category. `moments` are their times, each of which counts once."""

    moments: set[float] = field(default_factory=set)
    models: dict[str, Row] = field(default_factory=dict)
    all: Row = field(default_factory=Row)
    unattributed: Row = field(default_factory=Row)
    model_count: int = 0
    unattributed_names: int = 0

    def add(self, figures: CategoryFigures, at: float, stale: Collection[Source] = ()) -> bool:
        """Count a sample, without the sources that are stale.

        Return False for one that is counted already, or in which nothing is known.
        """
        totals = totals_of(figures)
        threads = totals.thread_count is not None and Source.STATUS not in stale
        workers = totals.worker_count is not None and Source.WORKERS not in stale
        usage = totals.usage is not None and Source.USAGE not in stale
        if at in self.moments or not (threads or workers or usage):
            return False
        self.moments.add(at)
        for name, model in figures.models.items():
            row = self.models.get(name)
            if row is None:
                row = self.models[name] = Row()
            row.add(
                model.thread_count if threads else None,
                model.active_worker_count if workers else None,
                model.usage if usage else None,
            )
        self._add_sums(figures, totals, threads=threads, workers=workers, usage=usage)
        return True

    def _add_sums(
        self, figures: CategoryFigures, totals: Totals, *, threads: bool, workers: bool, usage: bool
    ) -> None:
        self.all.add(
            totals.thread_count if threads else None,
            totals.worker_count if workers else None,
            totals.usage if usage else None,
        )
        rest = figures.unattributed
        self.unattributed.add(rest.thread_count if threads else None, None, rest.usage if usage else None)
        self.model_count = totals.models
        self.unattributed_names = len(rest.names)

    def joined(self, older: "HourTally") -> "HourTally":
        """Return this tally with the samples of an older one; if they share some, the one that has more."""
        if self.moments & older.moments:
            return older if len(older.moments) > len(self.moments) else self
        self.moments |= older.moments
        for name, row in older.models.items():
            self.models.setdefault(name, Row()).join(row)
        self.all.join(older.all)
        self.unattributed.join(older.unattributed)
        return self


_SAVED: Final = TypeAdapter(HourTally)


def save_tally(tally: HourTally) -> bytes:
    """Return the tally as bytes."""
    return _SAVED.dump_json(tally)


def find_tally(saved: bytes) -> HourTally | None:
    """Return the tally that was saved, None if it cannot be read."""
    try:
        return _SAVED.validate_json(saved)
    except ValidationError:
        return None

"""What the AI-Horde says about models at work, read leniently (aihorde-api.md section 2)."""

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeGuard, TypeVar

T = TypeVar("T")
S = TypeVar("S", bound=Sized)

Number = int | float

LARGEST: Final = 2**53
"""Greater numbers are nonsense, and not every reader of JSON could tell them from their neighbours."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One line of the status; `threads` is the sum over the workers that serve the model."""

    name: str
    threads: int
    performance: Number
    queued: Number
    jobs: Number
    eta: Number


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a model was used in the last day, in the last month, and ever."""

    day: int = 0
    month: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Worker:
    """A worker, as far as it matters for models. `performance` is a text for people."""

    id: str
    name: str
    performance: str
    online: bool
    maintenance_mode: bool
    trusted: bool
    uptime: Number
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What could be read of an answer, and the number of its entries that had to be left out."""

    value: T
    skipped: int = 0


def parse_status(value: object) -> Reading[tuple[ModelStatus, ...]] | None:
    """Read the lines that have a name; None for what is no status at all."""
    if not isinstance(value, list):
        return None
    lines = [_line(item) for item in value if isinstance(item, Mapping)]
    return _reading(value, tuple(line for line in lines if line.name))


def parse_usage(value: object) -> Reading[dict[str, Usage]] | None:
    """Read the names that have a number; None for what is no usage at all.

    Nothing is what the AI-Horde tells before it has counted: it does not mean that nobody uses anything.
    """
    if not isinstance(value, Mapping):
        return None
    periods = [value.get(period) for period in ("day", "month", "total")]
    if not any(isinstance(period, Mapping) for period in periods):
        return None
    day, month, total = (_object(period) for period in periods)
    names = dict.fromkeys((*total, *month, *day))
    found = {
        name: Usage(int(_number(day.get(name))), int(_number(month.get(name))), int(_number(total.get(name))))
        for name in names
        if _text(name) and any(_is_number(counts.get(name)) for counts in (day, month, total))
    }
    return _reading(names, found)


def parse_workers(value: object) -> Reading[tuple[Worker, ...]] | None:
    """Read the workers that have an id; None for what is no list of workers at all."""
    if not isinstance(value, list):
        return None
    workers = [_worker(item) for item in value if isinstance(item, Mapping)]
    return _reading(value, tuple(worker for worker in workers if worker.id))


def read_status(value: object) -> tuple[ModelStatus, ...] | None:
    """Return the lines that have a name; None for what is no status at all."""
    reading = parse_status(value)
    return None if reading is None else reading.value


def read_usage(value: object) -> dict[str, Usage] | None:
    """Return name to usage; None while the AI-Horde has not counted yet, and for what is no usage at all."""
    reading = parse_usage(value)
    return None if reading is None or not reading.value else reading.value


def read_workers(value: object) -> tuple[Worker, ...] | None:
    """Return the workers that have an id; None for what is no list of workers at all."""
    reading = parse_workers(value)
    return None if reading is None else reading.value


def _reading(given: Sized, read: S) -> Reading[S]:
    return Reading(read, len(given) - len(read))


def _line(item: Mapping[str, Any]) -> ModelStatus:
    return ModelStatus(
        name=_text(item.get("name")),
        threads=int(_number(item.get("count"))),
        performance=_number(item.get("performance")),
        queued=_number(item.get("queued")),
        jobs=_number(item.get("jobs")),
        eta=_number(item.get("eta")),
    )


def _worker(item: Mapping[str, Any]) -> Worker:
    models = item.get("models")
    return Worker(
        id=_text(item.get("id")),
        name=_text(item.get("name")),
        performance=_text(item.get("performance")),
        online=item.get("online") is True,
        maintenance_mode=item.get("maintenance_mode") is True,
        trusted=item.get("trusted") is True,
        uptime=_number(item.get("uptime")),
        models=tuple(filter(None, map(_text, models))) if isinstance(models, list) else (),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    """Return a text as it is; empty for anything else, and for halves of characters, which JSON may hold."""
    if not isinstance(value, str):
        return ""
    try:
        value.encode()
    except UnicodeEncodeError:
        return ""
    return value


def _number(value: object) -> Number:
    return value if _is_number(value) else 0


def _is_number(value: object) -> TypeGuard[Number]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LARGEST

"""What the AI-Horde says about models at work, read leniently (aihorde-api.md section 2)."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Number = int | float


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


@dataclass(frozen=True, slots=True)
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


def read_status(value: object) -> list[ModelStatus] | None:
    """Return the lines that have a name; None for what is no status at all."""
    if not isinstance(value, list):
        return None
    return [
        ModelStatus(
            name=item["name"],
            threads=int(_number(item.get("count"))),
            performance=_number(item.get("performance")),
            queued=_number(item.get("queued")),
            jobs=_number(item.get("jobs")),
            eta=_number(item.get("eta")),
        )
        for item in _objects(value)
        if isinstance(item.get("name"), str)
    ]


def read_usage(value: object) -> dict[str, Usage] | None:
    """Return name to usage; None while the AI-Horde has not counted yet, and for what is no usage at all."""
    if not isinstance(value, Mapping):
        return None
    day, month, total = (_object(value.get(period)) for period in ("day", "month", "total"))
    names = dict.fromkeys((*total, *month, *day))
    if not names:
        return None
    return {
        name: Usage(int(_number(day.get(name))), int(_number(month.get(name))), int(_number(total.get(name))))
        for name in names
    }


def read_workers(value: object) -> list[Worker] | None:
    """Return the workers that have an id; None for what is no list of workers at all."""
    if not isinstance(value, list):
        return None
    return [_worker(item) for item in _objects(value) if isinstance(item.get("id"), str)]


def _worker(item: Mapping[str, Any]) -> Worker:
    models = item.get("models")
    return Worker(
        id=item["id"],
        name=str(item.get("name") or ""),
        performance=str(item.get("performance") or ""),
        online=item.get("online") is True,
        maintenance_mode=item.get("maintenance_mode") is True,
        trusted=item.get("trusted") is True,
        uptime=_number(item.get("uptime")),
        models=tuple(name for name in models if isinstance(name, str)) if isinstance(models, list) else (),
    )


def _objects(values: Iterable[object]) -> Iterable[Mapping[str, Any]]:
    return (value for value in values if isinstance(value, Mapping))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return value

"""Snapshots as bytes, for the shared cache."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final, TypeVar

import orjson

from horde_model_reference.integrations.horde_figures import ModelStatus, Usage, Worker
from stats.domain.runtime import HordeKind, Received, RuntimeSnapshot

T = TypeVar("T")
Decoder = Callable[[Any], T]

LAYOUT: Final = [
    [field.name for field in fields(described)]
    for described in (RuntimeSnapshot, Received, ModelStatus, Usage, Worker)
]
"""The fields in their order: bytes of a program with others are none of ours."""

STATUS_ROW: Final = attrgetter(*(field.name for field in fields(ModelStatus)))
USAGE_ROW: Final = attrgetter(*(field.name for field in fields(Usage)))
WORKER_ROW: Final = attrgetter(*(field.name for field in fields(Worker)))


def encode_snapshot(snapshot: RuntimeSnapshot) -> bytes:
    """Return the bytes; equal snapshots have equal ones."""
    return orjson.dumps(
        {
            "layout": LAYOUT,
            "kind": snapshot.kind,
            "published_at": snapshot.published_at,
            "status": _encode(snapshot.status, lambda lines: [STATUS_ROW(line) for line in lines]),
            "usage": _encode(snapshot.usage, _encode_usage),
            "workers": _encode(snapshot.workers, lambda workers: [WORKER_ROW(one) for one in workers]),
        }
    )


def decode_snapshot(body: bytes) -> RuntimeSnapshot | None:
    """Return the snapshot; None for bytes that are none."""
    try:
        value: Any = orjson.loads(body)
        return _snapshot(value) if value["layout"] == LAYOUT else None
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def _encode(received: Received[T] | None, encode: Callable[[T], object]) -> dict[str, object] | None:
    if received is None:
        return None
    return {
        "value": encode(received.value),
        "fetched_at": received.fetched_at,
        "stale": received.stale,
        "skipped": received.skipped,
    }


def _encode_usage(usage: Mapping[str, Usage]) -> dict[str, object]:
    return {name: USAGE_ROW(used) for name, used in usage.items()}


def _snapshot(value: Mapping[str, Any]) -> RuntimeSnapshot:
    return RuntimeSnapshot(
        kind=HordeKind(value["kind"]),
        published_at=float(value["published_at"]),
        status=_decode(value["status"], lambda rows: tuple(ModelStatus(*row) for row in rows)),
        usage=_decode(value["usage"], _decode_usage),
        workers=_decode(value["workers"], lambda rows: tuple(_worker(row) for row in rows)),
    )


def _decode(value: Mapping[str, Any] | None, decode: Decoder[T]) -> Received[T] | None:
    if value is None:
        return None
    return Received(decode(value["value"]), value["fetched_at"], value["stale"], value["skipped"])


def _decode_usage(rows: Mapping[str, list[int]]) -> Mapping[str, Usage]:
    return {name: Usage(*row) for name, row in rows.items()}


def _worker(row: list[Any]) -> Worker:
    return Worker(*(*row[:-1], tuple(row[-1])))

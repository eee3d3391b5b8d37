"""When and by whom imported records were made and changed (data-model.md section 9)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.strict_json import same_json

STAMPS: Final = ("created_at", "updated_at", "created_by", "updated_by")


def stamped_records(
    records: Mapping[str, Record], known: Mapping[str, Record], is_unchanged: Callable[[str], bool], now: int
) -> dict[str, Record]:
    """Give imported records their times; `now` is in Unix seconds.

    `known` are the records of before, `is_unchanged` says whether the source of one of them is still the
    same: such a record stays as it is, also with what was edited in v2 alone.
    """
    return {
        name: known[name] if name in known and is_unchanged(name) else _stamped(record, known.get(name), now)
        for name, record in records.items()
    }


def creation_stamps(record: Record) -> dict[str, Any]:
    """Return what a record tells of its creation: these stamps outlive every change."""
    return {key: value for key, value in _stamps_of(record).items() if key.startswith("created")}


def _stamped(record: Record, previous: Record | None, now: int) -> Record:
    if previous is None:
        stamps: Record = {"created_at": now, "updated_at": now}
    elif same_json(_without_metadata(previous), _without_metadata(record)):
        stamps = _stamps_of(previous)
    else:
        stamps = {"created_at": now, **creation_stamps(previous), "updated_at": now}
    return {**record, "metadata": {**record["metadata"], **stamps}}


def _stamps_of(record: Record) -> Record:
    metadata = record.get("metadata", {})
    return {key: metadata[key] for key in STAMPS if metadata.get(key) is not None}


def _without_metadata(record: Record) -> Record:
    return {key: value for key, value in record.items() if key != "metadata"}

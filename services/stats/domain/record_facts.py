"""Reading v2 records as they are stored, whatever shape another PRIMARY gave them."""

from collections.abc import Mapping
from typing import Any, Final

Record = Mapping[str, Any]
Records = Mapping[str, Record]

LARGEST_NUMBER: Final = 2**63 - 1
"""A size or a number of parameters beyond this is no size."""


def record_of(value: object) -> Record:
    """Return the record; an empty one for what is no object."""
    return value if isinstance(value, Mapping) else {}


def text_of(record: Record, field: str) -> str | None:
    """Return the text of a field, as it is written; None for what is no text."""
    value = record.get(field)
    return value if isinstance(value, str) else None


def texts_of(record: Record, field: str) -> tuple[str, ...]:
    """Return the texts of a list that are not empty, each once."""
    value = record.get(field)
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(one for one in value if isinstance(one, str) and one))


def positive_number_of(record: Record, field: str) -> int | float | None:
    """Return the number of a field when it is positive and of a possible size."""
    value = record.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 < value <= LARGEST_NUMBER else None


def has_entries(record: Record, field: str) -> bool:
    """Return whether the field is a list or an object with something in it."""
    value = record.get(field)
    return isinstance(value, list | Mapping) and bool(value)


def download_entries_of(record: Record) -> list[Mapping[str, Any]]:
    """Return the entries of `config.download`."""
    config = record.get("config")
    entries = config.get("download") if isinstance(config, Mapping) else None
    return [one for one in entries if isinstance(one, Mapping)] if isinstance(entries, list) else []

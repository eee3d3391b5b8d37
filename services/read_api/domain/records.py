"""A v2 document taken apart: every record with the very bytes it has in the document."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from service_kit.errors import ServiceError

BLANKS: Final = frozenset(" \t\r\n")


class DocumentUnreadable(ServiceError):
    """A stored document is not a JSON object of JSON objects."""

    status = 500


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record: its key in the document, its values, and its bytes."""

    key: str
    values: dict[str, Any]
    body: bytes


def iterate_records(document: bytes) -> Iterator[StoredRecord]:
    """Yield the records of a v2 document in its order. Raises `DocumentUnreadable`.

    Linear, and short between two records, so that it can be interrupted there.
    """
    try:
        yield from _records(document.decode())
    except (ValueError, IndexError, RecursionError) as error:
        raise DocumentUnreadable(f"a stored v2 document cannot be read: {error}") from error


def _records(text: str) -> Iterator[StoredRecord]:
    decode = json.JSONDecoder().raw_decode
    position = _expect(text, _skip(text, 0), "{")
    if text[position] == "}":
        _expect_end(text, position + 1)
        return
    while True:
        key, position = decode(text, position)
        start = _expect(text, _skip(text, position), ":")
        values, position = decode(text, start)
        if not isinstance(key, str) or not isinstance(values, dict):
            raise ValueError(f"no record at character {start}")  # noqa: TRY004 - the input is wrong
        yield StoredRecord(key, values, text[start:position].encode())
        position = _skip(text, position)
        if text[position] == "}":
            _expect_end(text, position + 1)
            return
        position = _expect(text, position, ",")


def _skip(text: str, position: int) -> int:
    while text[position] in BLANKS:
        position += 1
    return position


def _expect(text: str, position: int, character: str) -> int:
    """Return where the next token starts."""
    if text[position] != character:
        raise ValueError(f"no {character!r} at character {position}")
    return _skip(text, position + 1)


def _expect_end(text: str, position: int) -> None:
    if text[position:].strip():
        raise ValueError(f"more than one value, at character {position}")

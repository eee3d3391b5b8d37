"""A v2 document taken apart: every record with the very bytes it has in the document."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from read_api.domain.json_scanner import JsonScanner
from service_kit.errors import ServiceError


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
    scanner = JsonScanner(text)
    for key in scanner.members():
        start = scanner.position
        values = scanner.object_value()
        yield StoredRecord(key, values, text[start : scanner.position].encode())
    scanner.expect_end()

"""Builders for text models: files of the text repository, documents, and what they hold."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from horde_model_reference.documents import CategoryDocuments, Change, Record
from horde_model_reference.text_documents import apply_text_changes, import_text
from horde_model_reference.text_rows import COLUMNS
from horde_model_reference.v2_format import parse_v2

Row = Mapping[str, str]


def a_row(name: str = "acme/Foo-7B", parameters_bn: str = "7", **cells: str) -> Row:
    return {"name": name, "parameters_bn": parameters_bn, **cells}


def models_csv(*rows: Row, columns: Sequence[str] = COLUMNS, line_end: str = "\r\n") -> bytes:
    """A models.csv with minimal quoting, as the text repository has it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def text_documents(*rows: Row, now: int = 1) -> CategoryDocuments:
    return import_text({"models.csv": models_csv(*rows)}, now=now, previous=None).documents


def edited(documents: CategoryDocuments, *changes: Change, author: str | None = None) -> CategoryDocuments:
    return apply_text_changes(documents, changes, now=2, author=author)


def v2_records(documents: CategoryDocuments) -> dict[str, Record]:
    return parse_v2(documents.v2)


def v1_entries(documents: CategoryDocuments) -> dict[str, Record]:
    entries: dict[str, Record] = json.loads(documents.legacy or b"")
    return entries


def csv_lines(documents: CategoryDocuments) -> list[str]:
    """The lines of models.csv with their line ends; of tables whose cells hold no line end."""
    return (documents.csv or b"").decode().splitlines(keepends=True)


def a_text_record(name: str = "acme/Foo-7B", **fields: Any) -> Record:
    """A v2 record with what a text record needs."""
    return {"name": name, "parameters": 7_000_000_000, **fields}


def canonical_json(entries: Mapping[str, Record]) -> bytes:
    """The canonical text of a legacy file, from the standard library."""
    return (json.dumps(entries, indent=4) + "\n").encode()


def differing_lines(before: Iterable[str], after: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of lines that differ, of two files with equally many lines."""
    return [(old, new) for old, new in zip(before, after, strict=True) if old != new]

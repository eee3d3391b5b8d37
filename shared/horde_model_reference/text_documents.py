"""The documents of the category text_generation: made from the text repository's files, and changed.

models.csv is the source; db.json and v1 are the expansion of the v2 records (data-model.md section 7).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from horde_model_reference.category_import_types import ImportedCategory
from horde_model_reference.documents import CategoryDocuments, Change, Record, Remark, SourceUnreadable
from horde_model_reference.record_stamps import stamped_records
from horde_model_reference.strict_json import JsonObject, read_json_object, same_json
from horde_model_reference.text_changes import change_records, complete_record
from horde_model_reference.text_csv import CsvTable, empty_table, parse_csv
from horde_model_reference.text_edits import TextEdit, edit_entries, edit_rows
from horde_model_reference.text_expansion import (
    expand_records,
    join_bodies,
    render_body,
    render_db_json,
    render_entries,
)
from horde_model_reference.text_import import TextModels, read_entries, read_rows
from horde_model_reference.text_rows import COLUMNS, cells_of_record
from horde_model_reference.v2_format import parse_v2, render_v2

CSV_FILE: Final = "models.csv"
JSON_FILE: Final = "db.json"
REQUIRED_COLUMNS: Final = frozenset({"name", "parameters_bn"})
OPENED_KEPT: Final = 2  # the head, and what a batch made of it so far


@dataclass(frozen=True, slots=True)
class _TextSource:
    """What the files gave: the records, and the two files as they will be kept."""

    models: TextModels
    csv: bytes
    legacy: bytes


def import_text(
    sources: Mapping[str, bytes], *, now: int, previous: CategoryDocuments | None
) -> ImportedCategory:
    """Make the documents of models.csv, of db.json, or of both; `now` is in Unix seconds.

    Where both are given models.csv counts, and a db.json that says something else is remarked on
    (db_json_differs) and ignored. A record that the source has not changed since `previous` stays as it is
    there. Sources that are those of `previous` give back its very documents. Raises `SourceUnreadable`.
    """
    csv, db_json = sources.get(CSV_FILE), sources.get(JSON_FILE)
    if csv is not None:
        source = _from_csv(csv, db_json)
    elif db_json is not None:
        source = _from_db_json(db_json)
    else:
        raise SourceUnreadable(f"text_generation has neither {CSV_FILE} nor {JSON_FILE}")
    models = source.models
    if previous is not None and _is_source_of(previous, csv, db_json):
        documents = previous
    else:
        records = _stamped(models, previous, now)
        documents = CategoryDocuments(v2=render_v2(records), legacy=source.legacy, csv=source.csv)
    return ImportedCategory(documents, tuple(models.rejected), tuple(models.remarks))


class TextOpener:
    """Takes documents apart, and remembers how for those that it saw last.

    A revision is asked for often, and this is most of the work. Threads may share one.
    """

    def __init__(self) -> None:
        self.open = lru_cache(maxsize=OPENED_KEPT)(_open)


def apply_text_changes(
    documents: CategoryDocuments,
    changes: Sequence[Change],
    *,
    now: int,
    author: str | None,
    opener: TextOpener | None = None,
) -> CategoryDocuments:
    """Apply changes in their order to all three documents; all of them or none.

    Rows and entries of untouched models keep their text, and so do the cells of a touched row whose meaning
    stays. Who works on a revision more than once should keep an opener. Raises `ChangeRefused`.
    """
    if not changes:
        return documents
    opened = (opener or TextOpener()).open(documents)
    edit = change_records(opened.records, changes, now=now, author=author)
    return CategoryDocuments(
        v2=render_v2(edit.after),
        legacy=_edited_legacy(documents.legacy, opened, edit),
        csv=edit_rows(opened.table, edit).render(),
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """Documents, taken apart. `bodies` are None where the legacy document is not their expansion."""

    records: Mapping[str, Record]
    table: CsvTable
    bodies: Mapping[str, str] | None


def _open(documents: CategoryDocuments) -> _Opened:
    """Take documents apart. What is returned must not be changed."""
    records = parse_v2(documents.v2)
    table = empty_table(COLUMNS) if documents.csv is None else parse_csv(documents.csv, CSV_FILE)
    bodies = {name: render_body(name, record) for name, record in records.items()}
    is_expansion = documents.legacy is None or documents.legacy == join_bodies(bodies)
    return _Opened(records, table, bodies if is_expansion else None)


def _from_csv(csv: bytes, db_json: bytes | None) -> _TextSource:
    table = parse_csv(csv, CSV_FILE)
    missing = REQUIRED_COLUMNS - set(table.columns)
    if missing:
        raise SourceUnreadable(
            f"{CSV_FILE}: the header has no column {' and no column '.join(sorted(missing))}"
        )
    models = read_rows(table)
    legacy = render_db_json(models.records)
    if db_json is None or db_json == legacy:
        return _TextSource(models, csv, legacy)
    if _is_expansion(read_json_object(db_json, JSON_FILE), models):
        return _TextSource(models, csv, db_json)
    models.remarks.append(Remark("", "db_json_differs", f"{JSON_FILE} is not what {CSV_FILE} expands to"))
    return _TextSource(models, csv, legacy)


def _from_db_json(db_json: bytes) -> _TextSource:
    entries = read_json_object(db_json, JSON_FILE)
    models = read_entries(entries.members)
    if not _is_expansion(entries, models):
        models.remarks.append(
            Remark("", "db_json_differs", f"{JSON_FILE} is not the expansion of its own models")
        )
    table = empty_table(COLUMNS)
    rows = [table.new_row(cells_of_record(record)) for record in models.records.values()]
    return _TextSource(models, replace(table, rows=tuple(rows)).render(), db_json)


def _stamped(models: TextModels, previous: CategoryDocuments | None, now: int) -> dict[str, Record]:
    known = {} if previous is None else parse_v2(previous.v2)
    originals = {}
    if previous is not None and previous.csv is not None:
        originals = read_rows(parse_csv(previous.csv, f"the previous {CSV_FILE}")).records
    completed = {name: complete_record(record) for name, record in models.records.items()}

    def is_unchanged(name: str) -> bool:
        return same_json(originals.get(name), models.records[name])

    return stamped_records(completed, known, is_unchanged, now)


def _is_expansion(entries: JsonObject, models: TextModels) -> bool:
    """Compare data, types and order; the form of the text does not matter."""
    values = {name: member.value for name, member in entries.members.items()}
    return same_json(values, expand_records(models.records))


def _is_source_of(documents: CategoryDocuments, csv: bytes | None, db_json: bytes | None) -> bool:
    return documents.legacy == db_json if csv is None else documents.csv == csv


def _edited_legacy(legacy: bytes | None, opened: _Opened, edit: TextEdit) -> bytes:
    known = opened.bodies
    if legacy is not None and known is None:
        return render_entries(edit_entries(json.loads(legacy), edit))
    # Rendering again only what the changes touch halves the time with tens of thousands of models.
    return join_bodies(
        {
            name: known[name] if known and name not in edit.touched else render_body(name, record)
            for name, record in edit.after.items()
        }
    )

"""Carrying changes of text records over into models.csv and db.json, touching only what has to change."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from horde_model_reference.documents import Record
from horde_model_reference.strict_json import same_json
from horde_model_reference.text_csv import CsvRow, CsvTable
from horde_model_reference.text_expansion import ENTRY_FIELDS, entry_names, expand_records
from horde_model_reference.text_rows import (
    TextRecordInvalid,
    cells_of_record,
    changed_cells,
    record_of_row,
)

FIELD_PLACES: Final = {field: place for place, field in enumerate(ENTRY_FIELDS)}


@dataclass(frozen=True, slots=True)
class TextEdit:
    """All records before and after some changes, and which of them the changes name.

    `created` are the touched records that stand at the end: they are new, or were deleted and made anew.
    """

    before: Mapping[str, Record]
    after: Mapping[str, Record]
    touched: Collection[str]
    created: Collection[str]


def edit_rows(table: CsvTable, edit: TextEdit) -> CsvTable:
    """Rewrite the cells whose meaning changed, drop the rows of deleted models, append new ones.

    Where rows share a name the last valid one counts, so it is the one that changes.
    """
    counting = _counting_rows(table, edit)
    rows: list[CsvRow] = []
    for index, row in enumerate(table.rows):
        name = table.cell(row, "name").strip()
        if name not in edit.touched:
            rows.append(row)
        elif name in edit.after and name not in edit.created:
            changes = changed_cells(table.cells(row), edit.after[name]) if counting.get(name) == index else {}
            rows.append(table.changed_row(row, changes) if changes else row)
    missing = [name for name in edit.touched if name in edit.after and name not in counting]
    rows.extend(table.new_row(cells_of_record(edit.after[name])) for name in _in_order(edit.after, missing))
    return replace(table, rows=tuple(rows))


def edit_entries(entries: Mapping[str, Record], edit: TextEdit) -> dict[str, Record]:
    """Change the entries of touched models in a db.json that holds more than the expansion would give.

    Members of an entry that the expansion does not know stay, as do all other entries.
    """
    before, after = expand_records(edit.before), expand_records(edit.after)
    edited = dict(entries)
    for name in edit.touched:
        for key in entry_names(name):
            if key not in after or name in edit.created:
                edited.pop(key, None)
    affected = {key for name in edit.touched for key in entry_names(name)}
    for key in _in_order(after, affected):
        edited[key] = _merged(edited.get(key, {}), before.get(key, {}), after[key])
    return edited


def _counting_rows(table: CsvTable, edit: TextEdit) -> dict[str, int]:
    """Find the row of each record that was there before and still is: name to index."""
    kept = {name for name in edit.touched if name in edit.after and name not in edit.created}
    counting = {}
    for index, row in enumerate(table.rows):
        name = table.cell(row, "name").strip()
        if name in kept:
            try:
                record_of_row(table.cells(row))
            except TextRecordInvalid:
                continue
            counting[name] = index
    return counting


def _in_order(records: Mapping[str, Record], names: Iterable[str]) -> list[str]:
    wanted = set(names)
    return [name for name in records if name in wanted]


def _merged(entry: Mapping[str, object], before: Record, after: Record) -> Record:
    merged = {key: value for key, value in entry.items() if key in after or key not in before}
    for key, value in after.items():
        if key not in merged or key not in before or not same_json(before[key], value):
            merged[key] = value
    if list(merged) == list(entry):
        return merged
    return dict(sorted(merged.items(), key=lambda member: FIELD_PLACES.get(member[0], len(FIELD_PLACES))))

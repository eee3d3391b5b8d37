"""Rows of models.csv that come to stand for what the primary has, by as few cells as possible."""

from collections.abc import Collection, Iterator
from typing import Final

from horde_model_reference.documents import Record
from horde_model_reference.text_csv import CsvRow, CsvTable
from horde_model_reference.text_rows import COLUMNS, cells_of_record, split_tags
from sync_worker.domain.drift import same_value
from sync_worker.domain.text_converter import Converter, RowInvalid
from sync_worker.domain.text_models import WantedModel

LONGEST_CELL: Final = 131_072
"""Python's CSV reader, which the repository's checks are built on, refuses longer cells."""

TOGETHER: Final = frozenset({"parameters_bn", "style", "tags"})
"""Columns that the tags of an entry are made of."""


def edited_row(table: CsvTable, row: CsvRow, model: WantedModel, converter: Converter) -> CsvRow | None:
    """Return the row with the cells changed whose meaning has to; None if no row can stand for the model.

    A row that means the model already comes back as it is.
    """
    cells = table.cells(row)
    new = cells_of_record(model.record) | {"tags": _tags_cell(cells["tags"], model)}
    for columns in _attempts(_fields(row, converter), model.fields):
        changes = {key: new[key] for key in (*columns, "name") if cells[key] != new[key]}
        candidate = table.changed_row(row, changes) if changes else row
        if _stands_for(candidate, model, converter):
            return candidate
    return None


def made_row(table: CsvTable, model: WantedModel, converter: Converter) -> CsvRow | None:
    """Return a new row for the model; None if no row can stand for it."""
    row = table.new_row(cells_of_record(model.record))
    return row if _stands_for(row, model, converter) else None


def _attempts(present: Record | None, wanted: Record) -> Iterator[Collection[str]]:
    """Yield which columns to write, fewest first.

    Tags also follow from the style and the size, so they are written only if that is not enough.
    """
    if present is not None:
        differing = {
            "parameters_bn" if field == "parameters" else field
            for field in present.keys() | wanted.keys()
            if not same_value(present.get(field), wanted.get(field))
        } & set(COLUMNS)
        yield differing - {"tags"}
        yield differing
        yield differing | TOGETHER
    yield COLUMNS


def _fields(row: CsvRow, converter: Converter) -> Record | None:
    try:
        return converter.fields_of(row.values)
    except RowInvalid:
        return None


def _stands_for(row: CsvRow, model: WantedModel, converter: Converter) -> bool:
    if row.values[0] != model.name or any(len(value) > LONGEST_CELL for value in row.values):
        return False
    return same_value(_fields(row, converter), model.fields)


def _tags_cell(cell: str, model: WantedModel) -> str:
    """Return the cell of tags: those it holds already keep their places, new ones follow."""
    wanted = split_tags(cells_of_record(model.record)["tags"])
    wanted_in_cell = {*wanted, *model.fields["tags"]}
    kept = [tag for tag in dict.fromkeys(split_tags(cell)) if tag in wanted_in_cell]
    separator = ", " if ", " in cell else ","
    return separator.join((*kept, *(tag for tag in wanted if tag not in kept)))

"""models.csv and db.json after a change of the primary (sync.md section 6)."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.strict_json import read_json_object
from horde_model_reference.text_backend_names import has_legacy_text_backend_prefix
from horde_model_reference.text_csv import CsvRow, CsvTable, parse_csv
from horde_model_reference.text_documents import CSV_FILE, JSON_FILE
from horde_model_reference.text_expansion import render_entries
from horde_model_reference.text_rows import COLUMNS
from horde_model_reference.text_settings import GENERATION_SETTINGS
from sync_worker.domain.drift import TEXT_CATEGORY, Drift, drift_of, model_names
from sync_worker.domain.json_file import values_of
from sync_worker.domain.text_converter import Converter, RowInvalid, converted_entries
from sync_worker.domain.text_models import RecordProblem, WantedModel, WantedModels, wanted_models
from sync_worker.domain.text_row_edits import edited_row, made_row

NO_ROWS: Final = (",".join(COLUMNS) + "\r\n").encode()
NO_ENTRIES: Final = b"{}\n"


@dataclass(frozen=True, slots=True)
class TextFiles:
    """The two files of the text repository. The defaults are those of a repository without any model."""

    csv: bytes = NO_ROWS
    db_json: bytes = NO_ENTRIES


@dataclass(frozen=True, slots=True)
class TextResult:
    """The files as they should be, and the records that could not be carried over as they are.

    `present_models` are the names that either file has now, `lost_models` those of them that go.
    """

    files: TextFiles
    drift: Drift
    present_models: frozenset[str]
    lost_models: frozenset[str]
    problems: tuple[RecordProblem, ...]


def updated_text(
    present: TextFiles,
    wanted: Mapping[str, object],
    allowed_settings: frozenset[str] = frozenset(GENERATION_SETTINGS),
) -> TextResult:
    """Bring models.csv in step with the entries that the primary serves, and make db.json of it.

    A row that means what the primary has keeps its bytes, duplicates included; in others only the cells
    change whose meaning does. New models stand at the end. The rows of models that the primary does not have
    go, except those that it never could have had: they are reported and stay. Raises `SourceUnreadable` for
    files on GitHub that cannot be read.
    """
    table = _table(present.csv)
    entries = values_of(read_json_object(present.db_json, JSON_FILE))
    converter = Converter(allowed_settings)
    update = _Update(table, wanted_models(wanted, allowed_settings), converter)
    changed = replace(table, rows=tuple(update.rows()))
    converted = converted_entries(changed, converter, entries)
    before, after = _names(table, entries), _names(changed, converted)
    return TextResult(
        TextFiles(present.csv if changed == table else changed.render(), render_entries(converted)),
        drift_of(TEXT_CATEGORY, converted, entries),
        present_models=before,
        lost_models=before - after,
        problems=(*update.wanted.problems, *update.problems),
    )


def _names(table: CsvTable, entries: Mapping[str, object]) -> frozenset[str]:
    rows = (row.values[0].strip() for row in table.rows if not row.is_blank)
    return frozenset(model_names(TEXT_CATEGORY, (*rows, *entries)))


def _table(csv: bytes) -> CsvTable:
    """Read models.csv; with other columns it is not known what the repository's converter makes of them."""
    table = parse_csv(csv, CSV_FILE)
    if table.header.values != COLUMNS:
        raise SourceUnreadable(f"{CSV_FILE}: the columns are not {', '.join(COLUMNS)}")
    return table


@dataclass(frozen=True, slots=True)
class _Row:
    """A row, its name, and why the primary cannot have taken it over; None if it can."""

    row: CsvRow
    name: str
    flaw: RowInvalid | None


def _judged(row: CsvRow, converter: Converter) -> _Row:
    name = row.values[0].strip()
    try:
        converter.fields_of(row.values)
    except RowInvalid as error:
        return _Row(row, name, error)
    if has_legacy_text_backend_prefix(name) or "://" in name:
        return _Row(row, name, RowInvalid("name", "no model can have this name"))
    return _Row(row, name, None)


@dataclass(slots=True)
class _Update:
    """One pass over the rows. `problems` are those that it meets."""

    table: CsvTable
    wanted: WantedModels
    converter: Converter
    problems: list[RecordProblem] = field(default_factory=list)

    def rows(self) -> Iterator[CsvRow]:
        """Yield the rows that should be there, in their order."""
        present = [_judged(row, self.converter) for row in self.table.rows]
        usable = {item.name for item in present if item.flaw is None}
        # Of rows with one name the last one counts that can be used at all.
        counting = {
            item.name: item
            for item in present
            if not item.row.is_blank and not (item.flaw and item.name in usable)
        }
        for item in present:
            if counting.get(item.name) is item and item.name in self.wanted.models:
                yield self._edited(item.row, self.wanted.models[item.name])
            elif self._stays(item, usable):
                yield item.row
        for name, model in self.wanted.models.items():
            if name not in counting:
                yield from self._made(model)

    def _stays(self, item: _Row, usable: Container[str]) -> bool:
        """Say whether a row stays as it is."""
        if item.row.is_blank:
            return True
        if item.flaw is not None:
            where = f"line {item.row.line_number} of {CSV_FILE}: {item.flaw}"
            self.problems.append(RecordProblem.of(item.name, item.flaw.path, where))
        is_known = item.name in self.wanted.models or item.name in self.wanted.unusable
        return is_known or item.name not in usable

    def _edited(self, row: CsvRow, model: WantedModel) -> CsvRow:
        edited = edited_row(self.table, row, model, self.converter)
        if edited is None:
            self._refuse(model)
        return edited or row

    def _made(self, model: WantedModel) -> Iterator[CsvRow]:
        row = made_row(self.table, model, self.converter)
        if row is None:
            self._refuse(model)
        else:
            yield row

    def _refuse(self, model: WantedModel) -> None:
        self.problems.append(RecordProblem.of(model.name, "", "no row of models.csv can hold it as it is"))

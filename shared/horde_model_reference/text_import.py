"""Reading the two files of the text repository into v2 records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from horde_model_reference.documents import Record, Rejection, Remark
from horde_model_reference.strict_json import JsonMember, printable
from horde_model_reference.text_backend_names import has_legacy_text_backend_prefix
from horde_model_reference.text_csv import CsvTable
from horde_model_reference.text_entries import record_of_entry
from horde_model_reference.text_rows import TextRecordInvalid, name_of_row, record_of_row

BACKEND_PREFIX_REASON: Final = "the prefix of a back end: such entries are made from the model without it"


@dataclass(frozen=True, slots=True)
class TextModels:
    """Records by name in the order of the source, and what was left out or noticed."""

    records: dict[str, Record] = field(default_factory=dict)
    rejected: list[Rejection] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def read_rows(table: CsvTable) -> TextModels:
    """Read the rows of models.csv. Of rows with one name the last wins, at the place of the first."""
    models = TextModels()
    for row in table.rows:
        if row.is_blank:
            continue
        cells = table.cells(row)
        name, where = name_of_row(cells), f"line {row.line_number}"
        if has_legacy_text_backend_prefix(name):
            models.rejected.append(Rejection(name, "name", f"{where}: {BACKEND_PREFIX_REASON}"))
            continue
        try:
            record = record_of_row(cells)
        except TextRecordInvalid as error:
            models.rejected.append(Rejection(name, error.path, f"{where}: {error}"))
            continue
        if name in models.records:
            models.remarks.append(Remark(name, "duplicate_row", f"{where} replaces an earlier row"))
        models.remarks.extend(_remarks_on(record))
        models.records[name] = record
    return models


def read_entries(entries: Mapping[str, JsonMember]) -> TextModels:
    """Read the plain entries of db.json; those with the prefix of a back end only repeat them."""
    models = TextModels()
    for name, member in entries.items():
        if has_legacy_text_backend_prefix(name):
            continue
        try:
            record = _record_of_member(name, member)
        except TextRecordInvalid as error:
            models.rejected.append(Rejection(printable(name), error.path, str(error)))
            continue
        models.remarks.extend(_remarks_on(record))
        models.records[name] = record
    return models


def _record_of_member(name: str, member: JsonMember) -> Record:
    if member.flaw is not None:
        raise TextRecordInvalid(member.flaw.path, member.flaw.reason)
    if not isinstance(member.value, dict):
        raise TextRecordInvalid("", "not an object")
    if not name.strip():
        raise TextRecordInvalid("name", "the entry has no name")
    return record_of_entry(name, member.value)


def _remarks_on(record: Record) -> list[Remark]:
    name, remarks = record["name"], []
    if not record["parameters"]:
        remarks.append(Remark(name, "missing_parameters", "the number of parameters is not known"))
    if "://" in name:
        remarks.append(Remark(name, "name_is_url", "v1 leaves out models whose name holds a URL"))
    return remarks

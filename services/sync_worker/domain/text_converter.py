"""db.json made of models.csv exactly as the text repository's own converter does (sync.md section 6.2).

The check of the repository compares the bytes, so the rules work on the cells and not on records.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from horde_model_reference.documents import Record, SourceUnreadable
from horde_model_reference.text_csv import CsvTable
from horde_model_reference.text_documents import CSV_FILE, JSON_FILE
from horde_model_reference.text_expansion import DEFAULTS, OPTIONAL_FIELDS
from horde_model_reference.text_names import default_display_name, model_name_of
from horde_model_reference.text_parameters import parse_parameters_bn
from horde_model_reference.text_rows import COLUMNS
from horde_model_reference.text_settings import SettingsInvalid, parse_settings


class RowInvalid(ValueError):
    """A row that the converter stops at; `path` is the column or what lies below it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path


@dataclass(frozen=True, slots=True)
class Converter:
    """The rules, with the names of settings that the repository allows."""

    allowed_settings: frozenset[str]

    def fields_of(self, values: tuple[str, ...]) -> Record:
        """Return what the three entries of a row have in common. Raises `RowInvalid`."""
        if len(values) != len(COLUMNS):
            raise RowInvalid("", f"the row has {len(values)} cells and not {len(COLUMNS)}")
        cells = dict(zip(COLUMNS, values, strict=True))
        name = cells["name"]
        if not name.strip():
            raise RowInvalid("name", "the row has no name")
        row = {
            **cells,
            "parameters": _parameters(cells["parameters_bn"]),
            "tags": _tags(cells),
            "settings": self._settings(cells["settings"]),
            "display_name": cells["display_name"] or default_display_name(name),
        }
        fields: Record = {"model_name": model_name_of(name), **DEFAULTS}
        fields.update({key: row[key] for key in DEFAULTS if row.get(key)})
        fields.update({key: row[key] for key in OPTIONAL_FIELDS if row[key]})
        return fields

    def _settings(self, text: str) -> Mapping[str, object]:
        if not text:
            return {}
        try:
            settings = parse_settings(text)
        except SettingsInvalid as error:
            raise RowInvalid(error.path, str(error)) from error
        if settings is None:
            raise RowInvalid("settings", "not an object")
        unknown = sorted(settings.keys() - self.allowed_settings)
        if unknown:
            raise RowInvalid("settings", f"unknown settings {', '.join(unknown)}")
        return settings


def keys_of(name: str) -> tuple[str, str, str]:
    """Return the keys of the entries that a row makes."""
    return (name, f"aphrodite/{name}", f"koboldcpp/{model_name_of(name)}")


def converted_entries(
    table: CsvTable, converter: Converter, present: Mapping[str, object]
) -> dict[str, Record]:
    """Return the entries of db.json. Of a row that cannot be converted the present ones stay.

    Raises `SourceUnreadable` for one of these that has a flaw: None, see `values_of`.
    """
    entries: dict[str, Record] = {}
    for row in table.rows:
        if row.is_blank:
            continue
        name = row.values[0]
        try:
            fields = converter.fields_of(row.values)
        except RowInvalid:
            for key in keys_of(name):
                entry = present.get(key)
                if isinstance(entry, dict):
                    entries.setdefault(key, entry)
                elif key in present and entry is None:
                    raise SourceUnreadable(
                        f"{JSON_FILE}: {key!r} has a flaw, and so has its row in {CSV_FILE}"
                    ) from None
            continue
        entries.update({key: {"name": key, **fields} for key in keys_of(name)})
    return entries


def _parameters(text: str) -> int:
    try:
        return parse_parameters_bn(text)
    except ValueError as error:
        raise RowInvalid("parameters_bn", f"not a number of parameters: {text[:50]!r}") from error


def _tags(cells: Mapping[str, str]) -> list[str]:
    text, style = cells["tags"], cells["style"]
    # A blank piece between commas counts: whether the repository keeps it is not known, and so it is never
    # taken for what the primary has, and written out of the cell.
    tags = {tag.strip() for tag in text.split(",")} if text else set[str]()
    if style:
        tags.add(style)
    # Of the text and not of the count cut to an integer: 2.5000000001 is 3B, though it counts 2500000000.
    tags.add(f"{round(float(cells['parameters_bn']))}B")
    return sorted(tags)

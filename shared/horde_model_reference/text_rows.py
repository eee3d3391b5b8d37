"""Rows of models.csv and the v2 records they stand for (data-model.md section 7, sync.md section 6.3)."""

import json
from collections.abc import Mapping
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.strict_json import same_json
from horde_model_reference.text_expansion import derived_tags
from horde_model_reference.text_names import default_display_name, established_group_of
from horde_model_reference.text_parameters import parse_parameters_bn, render_parameters_bn
from horde_model_reference.text_settings import SettingsInvalid, parse_settings

COLUMNS: Final = (
    "name",
    "parameters_bn",
    "display_name",
    "url",
    "baseline",
    "description",
    "style",
    "tags",
    "instruct_format",
    "settings",
)
"""The header of models.csv. Two further columns are understood where they exist: version and nsfw."""

TEXT_FIELDS: Final = (
    "description",
    "version",
    "baseline",
    "style",
    "display_name",
    "url",
    "instruct_format",
)
"""Fields that a row or entry holds as they are, white space included."""


class TextRecordInvalid(ValueError):
    """A row or entry that stands for no record; `path` leads to the offending value, from the record down."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path


def name_of_row(cells: Mapping[str, str]) -> str:
    """Return the model name of a row; an empty one stands for no model."""
    return cells.get("name", "").strip()


def record_of_row(cells: Mapping[str, str]) -> Record:
    """Make the v2 record of a row, without the fields that all text records share.

    A row without a number of parameters has 0 of them. Raises `TextRecordInvalid`.
    """
    name = name_of_row(cells)
    if not name:
        raise TextRecordInvalid("name", "the row has no name")
    return text_record(
        name,
        cells,
        parameters=_parameters(cells),
        nsfw=_nsfw(cells),
        tags=split_tags(cells.get("tags", "")),
        settings=_settings(cells),
    )


def text_record(
    name: str,
    texts: Mapping[str, str],
    *,
    parameters: int,
    nsfw: bool,
    tags: list[str],
    settings: dict[str, Any] | None,
) -> Record:
    """Put the v2 record together; unknown texts stay empty, but no instruct format means no such field."""
    record: Record = {
        "name": name,
        "description": texts.get("description", ""),
        "version": texts.get("version", ""),
        "baseline": texts.get("baseline", ""),
        "parameters": parameters,
        "nsfw": nsfw,
        "style": texts.get("style", ""),
        "display_name": texts.get("display_name", ""),
        "url": texts.get("url", ""),
        "tags": tags,
    }
    if texts.get("instruct_format"):
        record["instruct_format"] = texts["instruct_format"]
    if settings is not None:
        record["settings"] = settings
    record["text_model_group"] = established_group_of(name)
    return record


def split_tags(text: str) -> list[str]:
    """Split a cell of tags at its commas; outer white space and empty tags are dropped."""
    return [tag for part in text.split(",") if (tag := part.strip())]


def cells_of_record(record: Record) -> dict[str, str]:
    """Write a record as the cells of a new row.

    What the expansion adds on its own is left out: an automatic display name, the style and size among the
    tags.
    """
    derived = derived_tags(record)
    display_name = record.get("display_name") or ""
    settings = record.get("settings")
    return {
        **{field: record.get(field) or "" for field in TEXT_FIELDS},
        "name": record["name"],
        "parameters_bn": render_parameters_bn(record["parameters"]),
        "display_name": "" if display_name == default_display_name(record["name"]) else display_name,
        "tags": ",".join(tag for tag in record.get("tags") or () if tag not in derived),
        "settings": json.dumps(settings, ensure_ascii=False) if settings else "",
        "nsfw": "true" if record.get("nsfw") else "",
    }


def changed_cells(cells: Mapping[str, str], record: Record) -> dict[str, str]:
    """Return the cells of a row that have to change so that the row stands for the record.

    A cell that is written differently but means the same (7.0, tags in another order, a display name that
    equals the automatic one) is not among them. The name is never. Raises `TextRecordInvalid` for a row that
    stands for no record.
    """
    return {
        column: text
        for column, text in cells_of_record(record).items()
        if column in cells and not _means_the_same(column, cells, text, record)
    }


def _means_the_same(column: str, cells: Mapping[str, str], text: str, record: Record) -> bool:
    old = cells[column]
    if old == text or column == "name":
        return True
    match column:
        case "parameters_bn":
            same = bool(_parameters(cells) == record["parameters"])
        case "display_name":
            same = not text and old == default_display_name(record["name"])
        case "tags":
            derived = derived_tags(record)
            same = {*split_tags(old), *derived} == {*split_tags(text), *derived}
        case "settings":
            same = same_json(_settings(cells) or {}, record.get("settings") or {})
        case "nsfw":
            same = _nsfw(cells) == bool(text)
        case _:
            same = False
    return same


def _parameters(cells: Mapping[str, str]) -> int:
    text = cells.get("parameters_bn", "").strip()
    if not text:
        return 0
    try:
        return parse_parameters_bn(text)
    except ValueError as error:
        raise TextRecordInvalid("parameters_bn", f"not a number of parameters: {text[:50]!r}") from error


def _settings(cells: Mapping[str, str]) -> dict[str, Any] | None:
    try:
        return parse_settings(cells.get("settings", ""))
    except SettingsInvalid as error:
        raise TextRecordInvalid(error.path, str(error)) from error


def _nsfw(cells: Mapping[str, str]) -> bool:
    return cells.get("nsfw", "").strip().lower() == "true"

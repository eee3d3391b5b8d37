"""From entries of db.json back to v2 records: the inverse of the expansion (data-model.md section 7)."""

from collections.abc import Mapping
from typing import Any

from horde_model_reference.documents import Record
from horde_model_reference.text_expansion import DEFAULTS, derived_tags
from horde_model_reference.text_names import default_display_name
from horde_model_reference.text_parameters import MAX_PARAMETERS
from horde_model_reference.text_rows import TEXT_FIELDS, TextRecordInvalid, text_record
from horde_model_reference.text_settings import SettingsInvalid, flat_settings


def record_of_entry(name: str, entry: Mapping[str, Any]) -> Record:
    """Make the v2 record of a plain entry, without the fields that all text records share.

    What the expansion added is taken out again: defaults, automatic display name, style and size tag.
    Expanding the record gives the entry, if an expansion made it. Raises `TextRecordInvalid`.
    """
    texts = {field: _text(entry, field) for field in TEXT_FIELDS}
    parameters, tags = _parameters(entry), _tags(entry)
    if texts["style"] == DEFAULTS["style"] and texts["style"] not in tags:
        texts["style"] = ""
    if texts["version"] == DEFAULTS["version"]:
        texts["version"] = ""
    if texts["display_name"] == default_display_name(name):
        texts["display_name"] = ""
    derived = derived_tags({"style": texts["style"], "parameters": parameters})
    return text_record(
        name,
        texts,
        parameters=parameters,
        nsfw=_nsfw(entry),
        tags=[tag for tag in tags if tag not in derived],
        settings=_settings(entry),
    )


def _text(entry: Mapping[str, Any], field: str) -> str:
    value = entry.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TextRecordInvalid(field, "not a text")
    return value


def _parameters(entry: Mapping[str, Any]) -> int:
    value = entry.get("parameters")
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_PARAMETERS:
        raise TextRecordInvalid("parameters", "not a whole number")
    return value


def _nsfw(entry: Mapping[str, Any]) -> bool:
    value = entry.get("nsfw")
    if value is not None and not isinstance(value, bool):
        raise TextRecordInvalid("nsfw", "not a boolean")
    return bool(value)


def _tags(entry: Mapping[str, Any]) -> list[str]:
    tags = entry.get("tags")
    if tags is None:
        return []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise TextRecordInvalid("tags", "not a list of texts")
    return tags


def _settings(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    settings = entry.get("settings")
    if settings is None:
        return None
    try:
        return flat_settings(settings)
    except SettingsInvalid as error:
        raise TextRecordInvalid(error.path, str(error)) from error

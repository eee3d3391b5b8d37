"""What a change may write into a text record (data-model.md section 7, http-write-api.md section 5.1).

The rules check and convert what is given; nothing is added to it. What v1 adds is made when v1 is rendered.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.strict_json import find_flaw
from horde_model_reference.text_backend_names import has_legacy_text_backend_prefix
from horde_model_reference.text_parameters import MAX_PARAMETERS
from horde_model_reference.text_rows import split_tags
from horde_model_reference.text_settings import (
    SettingsInvalid,
    flat_settings,
    parse_settings,
    require_known_settings,
)
from horde_model_reference.v2_format import RecordInvalid

PARAMETERS_ALIAS: Final = "parameters_count"


def require_writable_name(name: str) -> None:
    """Raise `RecordInvalid` unless the name can be given to a new model.

    The expansion has to make three distinct keys of it, and a row of models.csv has to give it back.
    """
    if not name.strip():
        raise _refused(name, "name", "it must not be blank")
    if name != name.strip():
        raise _refused(name, "name", "it begins or ends with white space")
    if find_flaw(name) or "\\" in name:
        raise _refused(name, "name", "it must not hold a backslash or a lone surrogate")
    if has_legacy_text_backend_prefix(name):
        raise _refused(name, "name", "it starts with a backend prefix; such entries are made on their own")
    if "://" in name:
        raise _refused(name, "name", "it must not hold a URL")
    if name.count("/") > 1:
        raise _refused(name, "name", "it must not have more than one slash")


def checked_fields(name: str, fields: Mapping[str, Any]) -> Record:
    """Check the given fields of a record and bring them into the form that is stored.

    `parameters` may be a number or its text and may be called `parameters_count` (the plain name wins),
    `settings` may be the JSON text of an object, `tags` comma-separated text. Raises `RecordInvalid`.
    """
    checked = {key: value for key, value in fields.items() if key != PARAMETERS_ALIAS}
    if PARAMETERS_ALIAS in fields and "parameters" not in fields:
        checked["parameters"] = fields[PARAMETERS_ALIAS]
    if "parameters" in checked:
        checked["parameters"] = _checked_parameters(name, checked["parameters"])
    if checked.get("tags") is not None:
        checked["tags"] = _checked_tags(name, checked["tags"])
    if checked.get("settings") is not None:
        checked["settings"] = _checked_settings(name, checked["settings"])
    return checked


def _checked_parameters(name: str, given: object) -> int:
    parameters = _whole_number(given)
    if parameters is None or not 1 <= parameters <= MAX_PARAMETERS:
        raise _refused(name, "parameters", f"must be a positive number, not {str(given)[:50]!r}")
    return parameters


def _whole_number(given: object) -> int | None:
    """Cut a number, or the text of one, to a whole number; None if it is none."""
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if not isinstance(given, str | float):
        return None
    try:
        return int(given)
    except (ValueError, OverflowError):
        pass
    try:
        number = float(given)
    except ValueError:
        return None
    return int(number) if math.isfinite(number) else None


def _checked_tags(name: str, given: object) -> list[str]:
    if isinstance(given, str):
        return split_tags(given)
    if not isinstance(given, list) or not all(isinstance(tag, str) for tag in given):
        raise _refused(name, "tags", "must be a list of texts or comma-separated text")
    tags = [stripped for tag in given if (stripped := tag.strip())]
    if any("," in tag for tag in tags):
        raise _refused(name, "tags", "a comma in a tag would make two of it in models.csv")
    return tags


def _checked_settings(name: str, given: object) -> dict[str, Any] | None:
    try:
        settings = parse_settings(given) if isinstance(given, str) else flat_settings(given)
        require_known_settings(settings or {})
    except SettingsInvalid as error:
        raise _refused(name, error.path, str(error)) from error
    return settings


def _refused(name: str, path: str, reason: str) -> RecordInvalid:
    return RecordInvalid("text_generation", name, path, reason)

"""Text models as clients of v1 write them: plain entries of db.json (http-write-api.md section 5.1)."""

from collections.abc import Mapping
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.strict_json import same_json
from horde_model_reference.text_changes import CATEGORY, complete_record
from horde_model_reference.text_entries import record_of_entry
from horde_model_reference.text_expansion import DEFAULTS, OPTIONAL_FIELDS, expanded_fields
from horde_model_reference.text_rows import TextRecordInvalid
from horde_model_reference.v2_format import RecordInvalid

V2_FIELDS: Final = ("text_model_group", "name_schema_exception")
"""Fields of v2 that entries do not show, and that are taken from a written one all the same."""

EXPANDED_TOGETHER: Final = frozenset({"style", "tags", "parameters"})
"""What v1 shows as tags is made of all of these."""


def v2_of_legacy_text(name: str, entry: Mapping[str, Any]) -> Record:
    """Return the v2 record that an entry stands for. Raises `RecordInvalid`."""
    try:
        record = record_of_entry(name, entry)
    except TextRecordInvalid as error:
        raise RecordInvalid(CATEGORY, name, error.path, str(error)) from error
    return complete_record(record) | {field: entry[field] for field in V2_FIELDS if entry.get(field)}


def normalised_entry(name: str, entry: Mapping[str, Any]) -> Record:
    """Return the entry as v1 will show it, and behind it the fields of v2 that were written with it.

    Raises `RecordInvalid`.
    """
    written = {field: entry[field] for field in V2_FIELDS if entry.get(field)}
    return {"name": name, **expanded_fields(name, v2_of_legacy_text(name, entry)), **written}


def changed_v2_fields(name: str, before: Record, entry: Mapping[str, Any]) -> tuple[Record, tuple[str, ...]]:
    """Return which fields of a stored v2 record get which values, and which go, so that v1 shows the entry.

    A field stays as it is stored when v1 shows the same of it: an entry cannot tell a default from a value.
    Raises `RecordInvalid`.
    """
    wanted = v2_of_legacy_text(name, entry)
    shown, to_show = expanded_fields(name, before), expanded_fields(name, wanted)
    changed = {
        field
        for field in (*DEFAULTS, *OPTIONAL_FIELDS)
        if not same_json(shown.get(field), to_show.get(field))
    }
    if changed & EXPANDED_TOGETHER:
        changed |= {"style", "tags"}
    taken = changed | {field for field in V2_FIELDS if entry.get(field)}
    return {field: wanted[field] for field in wanted if field in taken}, tuple(
        sorted(changed - wanted.keys())
    )

"""Changes of text records in their v2 form (data-model.md sections 7 and 9)."""

from collections.abc import Mapping, Sequence
from typing import Final

from horde_model_reference.documents import Change, ChangeRefused, Create, Delete, Record, Update
from horde_model_reference.meta_consts import SCHEMA_VERSION
from horde_model_reference.record_stamps import creation_stamps
from horde_model_reference.strict_json import printable
from horde_model_reference.text_edits import TextEdit
from horde_model_reference.text_names import established_group_of
from horde_model_reference.text_write_rules import PARAMETERS_ALIAS, checked_fields, require_writable_name
from horde_model_reference.v2_format import validate_record

CATEGORY: Final = "text_generation"
CLASSIFICATION: Final[Mapping[str, str]] = {"domain": "text", "purpose": "generation"}


def complete_record(record: Record) -> Record:
    """Add to an imported record what all text records have, in the order of the normal form."""
    head = ("name", "description", "version")
    return {
        "record_type": CATEGORY,
        **{field: record[field] for field in head},
        "metadata": {"schema_version": SCHEMA_VERSION},
        "config": {"download": []},
        "model_classification": dict(CLASSIFICATION),
        **{field: value for field, value in record.items() if field not in head},
    }


def change_records(
    records: Mapping[str, Record], changes: Sequence[Change], *, now: int, author: str | None
) -> TextEdit:
    """Apply changes in their order to v2 records. New records stand at the end. Raises `ChangeRefused`."""
    after = dict(records)
    created: set[str] = set()
    for change in changes:
        name = change.name
        if isinstance(change, Create) == (name in after):
            state = "exists already" if name in after else "does not exist"
            raise ChangeRefused(printable(f"{CATEGORY}: {name!r} {state}"))
        match change:
            case Create():
                after[name] = _created(change, now, change.author or author)
                created.add(name)
            case Update():
                after[name] = _updated(after[name], change, now, change.author or author)
            case Delete():
                del after[name]
                created.discard(name)
    return TextEdit(records, after, touched={change.name for change in changes}, created=created)


def _created(change: Create, now: int, author: str | None) -> Record:
    require_writable_name(change.name)
    record = _checked(change.name, checked_fields(change.name, change.record))
    record["metadata"] = {"created_at": now, "updated_at": now, **record["metadata"]}
    if author is not None:
        record["metadata"]["created_by"] = author
    return record


def _updated(record: Record, change: Update, now: int, author: str | None) -> Record:
    unset = {"parameters" if field == PARAMETERS_ALIAS else field for field in change.unset}
    merged = {**record, **checked_fields(change.name, change.set)}
    updated = _checked(change.name, {field: value for field, value in merged.items() if field not in unset})
    updated["metadata"] |= {**creation_stamps(record), "updated_at": now}
    if author is not None:
        updated["metadata"]["updated_by"] = author
    return updated


def _checked(name: str, fields: Record) -> Record:
    group = fields.get("text_model_group") or established_group_of(name)
    return validate_record(CATEGORY, name, {**fields, "name": name, "text_model_group": group})

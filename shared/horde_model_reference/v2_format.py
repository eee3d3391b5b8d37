"""v2 records and v2 documents: one normal form, one rendering (data-model.md section 3)."""

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from horde_model_reference.documents import ChangeRefused, Record
from horde_model_reference.meta_consts import (
    MODEL_REFERENCE_CATEGORY,
    SCHEMA_VERSION,
    get_category_descriptor,
    is_registered_category,
)
from horde_model_reference.model_reference_records import GenericModelRecord, get_record_type_for_category
from horde_model_reference.strict_json import find_flaw, parse_json_object, printable

KEPT_NULLS: Final[Mapping[str, tuple[str, ...]]] = {MODEL_REFERENCE_CATEGORY.clip: ("pretrained_name",)}
"""Fields that are written even when null: clients tell the kind of a record by them."""


class RecordInvalid(ChangeRefused):
    """A record that breaks a rule of its category. `path` leads to the value, `reason` says what is wrong."""

    def __init__(self, category: str, name: str, path: str, reason: str) -> None:
        where = f"{name!r}, {path}" if path else repr(name)
        super().__init__(printable(f"{category}: {where}: {reason}"))
        self.path = printable(path)
        self.reason = printable(reason)


def render_v2(records: Mapping[str, Record]) -> bytes:
    """Return the v2 document of the records: compact UTF-8 JSON in their order."""
    text = json.dumps(records, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")


def parse_v2(body: bytes) -> dict[str, Record]:
    """Return the records of a v2 document as stored. Raises `SourceUnreadable`."""
    return parse_json_object(body, "the v2 document")


def validate_record(category: str, name: str, record: Mapping[str, Any]) -> Record:
    """Return the record in normal form: known fields in their order, defaults filled in, nulls left out.

    null is the same as absent. `record_type` and `model_classification` follow from the category. Raises
    `RecordInvalid` with the path of the first value that is wrong.
    """
    if not is_registered_category(category):
        raise RecordInvalid(category, name, "", "the category is not known")
    try:
        found = get_record_type_for_category(category).model_validate(_prepare(category, record))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in problem["loc"])
        raise RecordInvalid(category, name, path, problem["msg"].removeprefix("Value error, ")) from error
    _require_category(category, name, found)
    normal = found.model_dump(by_alias=True, exclude_none=True)
    normal["model_classification"] = found.model_classification.model_dump(mode="json")
    normal["metadata"] = {**normal["metadata"], "schema_version": SCHEMA_VERSION}
    for field in KEPT_NULLS.get(category, ()):
        normal.setdefault(field)
    _require_json(category, name, normal)
    return normal


def _prepare(category: str, record: Mapping[str, Any]) -> Record:
    prepared = {key: value for key, value in record.items() if value is not None}
    prepared.setdefault("record_type", str(category))
    descriptor = get_category_descriptor(category)
    prepared.setdefault("model_classification", {"domain": descriptor.domain, "purpose": descriptor.purpose})
    config = prepared.get("config")
    if isinstance(config, dict):
        prepared["config"] = {key: value for key, value in config.items() if value is not None}
    return prepared


def _require_category(category: str, name: str, found: GenericModelRecord) -> None:
    if found.record_type != category:
        raise RecordInvalid(category, name, "record_type", f"{found.record_type!r} is not {category!r}")
    expected = get_category_descriptor(category).classification
    if found.model_classification != expected:
        raise RecordInvalid(category, name, "model_classification", f"does not fit, it must be {expected}")


def _require_json(category: str, name: str, normal: Record) -> None:
    try:
        render_v2(normal)
    except (ValueError, UnicodeEncodeError) as error:
        flaw = find_flaw(normal)
        path, reason = (flaw.path, flaw.reason) if flaw else ("", str(error))
        raise RecordInvalid(category, name, path, reason) from error

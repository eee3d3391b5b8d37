"""v2 records and v2 documents: one normal form, one rendering (data-model.md section 3)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from horde_model_reference.documents import ChangeRefused, Conversion, Record, Rejection
from horde_model_reference.meta_consts import (
    MODEL_REFERENCE_CATEGORY,
    SCHEMA_VERSION,
    get_category_descriptor,
    is_registered_category,
)
from horde_model_reference.model_reference_records import GenericModelRecord, get_record_type_for_category
from horde_model_reference.strict_json import (
    find_flaw,
    on_one_line,
    parse_json_object,
    printable,
    read_json_object,
)

KEPT_NULLS: Final[Mapping[str, tuple[str, ...]]] = {MODEL_REFERENCE_CATEGORY.clip: ("pretrained_name",)}
"""Fields that are written even when null: clients tell the kind of a record by them."""


class RecordInvalid(ChangeRefused):
    """A record that breaks a rule of its category. `path` leads to the value, `reason` says what is wrong."""

    def __init__(self, category: str, name: str, path: str, reason: str) -> None:
        where = f"{name!r}, {path}" if path else repr(name)
        super().__init__(on_one_line(f"{category}: {where}: {reason}"))
        self.path = on_one_line(path)
        self.reason = on_one_line(reason)


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
    if not isinstance(record, Mapping):
        raise RecordInvalid(category, name, "", "is not an object")
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
    _require_distinct_files(category, name, normal["config"]["download"])
    return normal


def read_valid_records(category: str, body: bytes, label: str = "the document") -> Conversion:
    """Return the valid records of a v2 document in normal form; the others are left out and listed.

    Raises `SourceUnreadable`.
    """
    records: dict[str, Record] = {}
    rejected: list[Rejection] = []
    for name, item in read_json_object(body, label).members.items():
        if item.flaw is not None:
            rejected.append(Rejection(printable(name), item.flaw.path, item.flaw.reason))
            continue
        try:
            records[name] = validate_record(category, name, item.value)
        except RecordInvalid as error:
            rejected.append(Rejection(printable(name), error.path, error.reason))
    return Conversion(records, tuple(rejected))


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
    flaw = find_flaw(normal)
    if flaw is not None:
        raise RecordInvalid(category, name, flaw.path, flaw.reason)


def _require_distinct_files(category: str, name: str, downloads: Sequence[Record]) -> None:
    """Refuse file names that the legacy form could not give back: it tells files apart by them alone."""
    descriptor = get_category_descriptor(category)
    if category == MODEL_REFERENCE_CATEGORY.text_generation or not descriptor.has_legacy_format:
        return
    seen: set[str] = set()
    for index, item in enumerate(downloads):
        file_name, path = item["file_name"], f"config.download.{index}.file_name"
        if not file_name:
            raise RecordInvalid(category, name, path, "must not be empty")
        if is_yaml(file_name):
            raise RecordInvalid(category, name, path, "holds 'yaml': such files are kept in v1 only")
        if file_name in seen:
            raise RecordInvalid(category, name, path, f"{file_name!r} is listed twice")
        seen.add(file_name)


def is_yaml(path: str) -> bool:
    """Say whether a file name means a YAML file; v2 does not carry these (data-model.md section 5)."""
    return "yaml" in path.lower()

"""Proposed records in legacy form (http-write-api.md sections 5 and 5.1)."""

from pydantic import ValidationError

from horde_model_reference.documents import Record
from horde_model_reference.legacy.key_order import without_nulls
from horde_model_reference.legacy.record_order import ordered_record
from horde_model_reference.legacy.to_v2 import convert_legacy_record
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_consts.image import legacy_baseline
from horde_model_reference.proposals.json_bounds import require_json_object
from horde_model_reference.proposals.names import label_of, name_problems, text_name_problems
from horde_model_reference.proposals.problems import (
    Problem,
    ProposalInvalid,
    missing,
    problem,
    record_problems,
    validation_problems,
)
from horde_model_reference.proposals.text_fields import check_text_fields
from horde_model_reference.proposals.v1_files import with_hashes_in_files
from horde_model_reference.proposals.v1_records import v1_record_type, v1_types
from horde_model_reference.text_legacy_records import normalised_entry
from horde_model_reference.v2_format import RecordInvalid


def normalised_v1(category: str, body: object) -> Record:
    """Return the payload of a proposal for a category with legacy form: the whole record, as v1 will show it.

    Values are converted, nulls left out, keys put in the order of the category's file. A record that could
    not become a v2 record is refused. Of text models the payload is the plain entry, completed by everything
    that v1 adds; what such entries cannot hold is dropped. Raises `ProposalInvalid`, and
    `BackendPrefixRefused` for a record in which nothing else is wrong.
    """
    given = require_json_object(body)
    try:
        record = v1_record_type(category).model_validate(given).model_dump(exclude_none=True)
    except ValidationError as error:
        raise ProposalInvalid(_unknown_type(category, given) + validation_problems(error, given)) from error
    if category == MODEL_REFERENCE_CATEGORY.text_generation:
        return _text(given, record)
    return _with_files(category, given, record)


def _with_files(category: str, given: Record, record: Record) -> Record:
    problems = _unknown_type(category, given)
    record["config"], contradictions = with_hashes_in_files(record["config"])
    problems += contradictions + name_problems(record["name"])
    if category != MODEL_REFERENCE_CATEGORY.controlnet:
        record.setdefault("type", next(iter(v1_types(category)), None))
    if not problems:
        problems += _inconvertible(category, given, record)
    if problems:
        raise ProposalInvalid(problems)
    if category == MODEL_REFERENCE_CATEGORY.image_generation:
        record["baseline"] = legacy_baseline(record["baseline"])
    return ordered_record(category, without_nulls(record))


def _text(given: Record, record: Record) -> Record:
    name, style = record["name"], record.get("style")
    is_tagged = bool(style) and isinstance(record.get("tags"), list) and style in record["tags"]
    if is_tagged:  # v1 repeats the style among the tags; unlike a tag it may hold a comma
        record["tags"] = [tag for tag in record["tags"] if tag != style]
    fields, problems = check_text_fields(label_of(given), record)
    if "parameters" not in record:
        problems.append(missing("parameters", given))
    problems += name_problems(name)
    problems = problems or text_name_problems(name)
    if problems:
        raise ProposalInvalid(problems)
    if is_tagged:
        fields["tags"].append(style)
    return normalised_entry(name, fields)


def _unknown_type(category: str, given: Record) -> list[Problem]:
    allowed, kind = v1_types(category), given.get("type")
    if not allowed or kind in allowed:
        return []
    if not isinstance(kind, str):
        is_missing = kind is None and category == MODEL_REFERENCE_CATEGORY.controlnet
        return [missing("type", given)] if is_missing else []
    expected = " or ".join(repr(one) for one in allowed)
    return [problem("literal_error", ("type",), f"Input should be {expected}", kind, expected=expected)]


def _inconvertible(category: str, given: Record, record: Record) -> list[Problem]:
    try:
        convert_legacy_record(category, record["name"], record)
    except RecordInvalid as error:
        return record_problems(error, given)
    return []

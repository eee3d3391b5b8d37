"""Proposed records in v2 form (http-write-api.md sections 4.1, 4.2 and 5.1)."""

from collections.abc import Mapping
from typing import Any

from horde_model_reference.documents import Record
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.proposals.json_bounds import require_json_object
from horde_model_reference.proposals.names import label_of, name_problems, text_name_problems
from horde_model_reference.proposals.problems import Problem, ProposalInvalid, record_problems
from horde_model_reference.proposals.text_fields import check_text_fields
from horde_model_reference.record_stamps import STAMPS
from horde_model_reference.text_names import established_group_of
from horde_model_reference.v2_format import RecordInvalid, validate_record


def normalised_v2(category: str, body: object) -> Record:
    """Return the payload of a proposal: the whole record, as it is queued and as applying accepts it.

    Unknown fields are dropped, values converted, defaults filled in, nulls left out; `record_type` and
    `model_classification` follow from the category, which must be a registered one. Who made and changed the
    record is not the client's to say and dropped. Raises `ProposalInvalid`, and `BackendPrefixRefused` for a
    record in which nothing else is wrong.
    """
    given = require_json_object(body)
    is_text = category == MODEL_REFERENCE_CATEGORY.text_generation
    prepared, problems = _prepare_text(given) if is_text else (dict(given), [])
    prepared["metadata"] = _without_stamps(given.get("metadata"))
    record: Record = {}
    try:
        record = validate_record(category, label_of(given), prepared)
    except RecordInvalid as error:
        known = [item["loc"][:2] for item in problems]
        problems += [item for item in record_problems(error, given) if item["loc"][:2] not in known]
    problems += name_problems(given.get("name"))
    if not problems and is_text:
        problems += text_name_problems(record["name"])
    if problems:
        raise ProposalInvalid(problems)
    if category == MODEL_REFERENCE_CATEGORY.image_generation:
        record["baseline"] = given["baseline"]  # alternative names are queued as they were written
    return {field: value for field, value in record.items() if value is not None}


def _prepare_text(given: Mapping[str, Any]) -> tuple[Record, list[Problem]]:
    fields = {field: value for field, value in given.items() if value is not None}
    prepared, problems = check_text_fields(label_of(fields), fields)
    if isinstance(fields.get("name"), str) and not prepared.get("text_model_group"):
        prepared["text_model_group"] = established_group_of(fields["name"])
    return prepared, problems


def _without_stamps(metadata: object) -> object:
    if not isinstance(metadata, dict):
        return metadata
    return {key: value for key, value in metadata.items() if key not in STAMPS and value is not None}

"""Proposed records as readers of the beta view see them (http-write-api.md section 11)."""

from typing import Literal

from horde_model_reference.documents import Record
from horde_model_reference.legacy.to_v2 import convert_legacy_record
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.text_legacy_records import v2_of_legacy_text
from horde_model_reference.v2_format import RecordInvalid, validate_record


def v2_view(category: str, form: Literal["v2", "legacy"], name: str, payload: Record) -> Record | None:
    """Return the v2 record of a proposed create or update; None when the payload cannot become one.

    `form` is that of the payload. The rules can have become stricter since it was proposed.
    """
    try:
        if form == "v2":
            return validate_record(category, name, payload)
        if category == MODEL_REFERENCE_CATEGORY.text_generation:
            return validate_record(category, name, v2_of_legacy_text(name, payload))
        return convert_legacy_record(category, name, payload)
    except RecordInvalid:
        return None

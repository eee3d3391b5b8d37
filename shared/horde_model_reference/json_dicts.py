"""Records as JSON objects (python-client.md section 3)."""

import logging
from collections.abc import Mapping
from typing import Any

from horde_model_reference.model_reference_records import GenericModelRecord

log = logging.getLogger(__name__)

References = Mapping[str, GenericModelRecord]


def model_reference_to_json_dict(
    model_reference: References | None, safe_mode: bool = False
) -> dict[str, dict[str, Any]] | None:
    """Return name to the fields that were set, as JSON values and by their names on the wire.

    Raises `ValueError` for None. Other trouble gives None and a log line, with `safe_mode` its exception.
    """
    if safe_mode:
        return model_reference_to_json_dict_safe(model_reference)
    if model_reference is None:
        raise ValueError("there is no model reference")
    try:
        return model_reference_to_json_dict_safe(model_reference)
    except (AttributeError, TypeError, ValueError) as error:
        log.warning("the model reference cannot be written as JSON: %s", error)
        return None


def model_reference_to_json_dict_safe(model_reference: References | None) -> dict[str, dict[str, Any]]:
    """Do the same; whatever is wrong is raised."""
    if model_reference is None:
        raise ValueError("there is no model reference")
    return {
        name: record.model_dump(mode="json", by_alias=True, exclude_unset=True)
        for name, record in model_reference.items()
    }

"""The fields of text models that clients may write in several ways (http-write-api.md section 5.1)."""

from collections.abc import Mapping
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.proposals.problems import Problem, value_problem
from horde_model_reference.text_write_rules import PARAMETERS_ALIAS, checked_fields
from horde_model_reference.v2_format import RecordInvalid

CHECKED: Final = ("parameters", PARAMETERS_ALIAS, "tags", "settings")


def check_text_fields(label: str, given: Mapping[str, Any]) -> tuple[Record, list[Problem]]:
    """Return the fields in the form that is stored, and what is wrong with those that are left out.

    Nothing may be null in `given`; `label` is what refusals call the model.
    """
    checked = {key: value for key, value in given.items() if key not in CHECKED}
    problems: list[Problem] = []
    for field in CHECKED:
        if field not in given or (field == PARAMETERS_ALIAS and "parameters" in given):
            continue
        try:
            checked |= checked_fields(label, {field: given[field]})
        except RecordInvalid as error:
            problems.append(value_problem(_location(error.path), str(error), given[field]))
    return checked, problems


def _location(path: str) -> tuple[str, ...]:
    """Return where the value is: a field, or a setting, whose name may hold dots."""
    field, dot, setting = path.partition(".")
    return (field, setting) if dot else (field,)

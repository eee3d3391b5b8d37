"""Which names models may be given (http-write-api.md sections 4.2 and 5.1)."""

import unicodedata
from typing import Any, Final

from horde_model_reference.proposals.problems import BackendPrefixRefused, Problem, value_problem
from horde_model_reference.text_backend_names import has_legacy_text_backend_prefix
from horde_model_reference.text_write_rules import require_writable_name
from horde_model_reference.v2_format import RecordInvalid

MAX_NAME_CHARACTERS: Final = 10_000
"""Longer ones would not fit into an address, so that nobody could change or remove the model."""


def name_problems(name: object) -> list[Problem]:
    """Return what is wrong with a name, if it is one: whether it is there is checked with the record."""
    reason = _reason_against(name) if isinstance(name, str) else None
    return [] if reason is None else [value_problem(("name",), reason, name)]


def text_name_problems(name: str) -> list[Problem]:
    """Return what forbids a name for a text model in particular. Raises `BackendPrefixRefused`."""
    if has_legacy_text_backend_prefix(name):
        raise BackendPrefixRefused(name)
    try:
        require_writable_name(name)
    except RecordInvalid as error:
        return [value_problem(("name",), error.reason, name)]
    return []


def label_of(body: dict[str, Any]) -> str:
    """Return what a refusal calls the model: its name, if it has a usable one."""
    name = body.get("name")
    return name[:200] if isinstance(name, str) else ""


def _reason_against(name: str) -> str | None:
    if not name.strip():
        return "the name must not be blank"
    if len(name) > MAX_NAME_CHARACTERS:
        return f"the name must not be longer than {MAX_NAME_CHARACTERS} characters"
    if "\\" in name:
        return f"the name {name!r} must not hold a backslash (\\)"
    if any(unicodedata.category(sign) == "Cc" for sign in name):
        return f"the name {name!r} must not hold control characters"  # they break log lines and headers
    return None

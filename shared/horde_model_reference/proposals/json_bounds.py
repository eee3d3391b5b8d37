"""What every proposed body must be, whatever it is about: an object that JSON can hold, within limits."""

from typing import Any, Final

from horde_model_reference.proposals.problems import (
    Location,
    Problem,
    ProposalInvalid,
    problem,
    value_problem,
)
from horde_model_reference.strict_json import MAX_DEPTH, find_flaw

MAX_VALUES: Final = 5_000
"""Bodies with more values are refused: real records have some hundred, and checking takes time."""


def require_json_object(body: object) -> dict[str, Any]:
    """Return the body. Raises `ProposalInvalid`.

    Refused are everything but an object, too deep nesting, too many values, numbers that 64 bits do not hold,
    NaN, and lone surrogates, wherever they stand.
    """
    if body is None:
        raise ProposalInvalid([problem("missing", (), "Field required", None)])
    if not isinstance(body, dict):
        raise ProposalInvalid([problem("dict_type", (), "Input should be an object", body)])
    found = _first_problem(body)
    if found is not None:
        raise ProposalInvalid([found])
    return body


def _first_problem(body: dict[str, Any]) -> Problem | None:
    """Look at all values without recursion: bodies may be nested deeper than the interpreter can follow."""
    values, waiting = 0, list[tuple[Location, Any]]([((), body)])
    while waiting:
        location, value = waiting.pop()
        values += 1
        if values > MAX_VALUES:
            return value_problem((), f"holds more than {MAX_VALUES} values", body)
        if len(location) > MAX_DEPTH:
            return value_problem(location[:3], f"is nested more than {MAX_DEPTH} levels deep", None)
        if isinstance(value, dict):
            flawed = next((key for key in value if find_flaw(key)), None)
            if flawed is not None:
                return value_problem((*location, flawed), "the key holds a lone surrogate", None)
            waiting.extend(((*location, key), item) for key, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*location, index), item) for index, item in enumerate(value))
        elif flaw := find_flaw(value):
            return value_problem(location, flaw.reason, value)
    return None

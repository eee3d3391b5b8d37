"""Why a proposal is refused, in the shape that clients know (http-write-api.md section 1)."""

import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from pydantic import ValidationError

from horde_model_reference.strict_json import find_flaw, printable
from horde_model_reference.v2_format import RecordInvalid

Problem = dict[str, Any]
"""`{"type", "loc", "msg", "input", "ctx"?}`; `loc` begins with "body"."""

Location = tuple[str | int, ...]
"""The way from the body to a value in it."""

MAX_PROBLEMS: Final = 100
"""Further problems of one proposal are not listed."""

MAX_TEXT: Final = 500
"""Longer texts are cut where they are repeated in a problem, in characters."""

MAX_ECHOED_VALUES: Final = 100
MAX_ECHOED_CHARACTERS: Final = 2_000
AS_A_WHOLE: Final = frozenset({("baseline",), ("style",)})
"""Fields whose custom rules are reported for the whole body, as existing clients expect."""


class ProposalInvalid(ValueError):
    """A proposal that breaks rules of its category (HTTP 422). `details` lists them, ready to be sent."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.details: list[Problem] = list(islice(problems, MAX_PROBLEMS))
        texts = (f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in self.details[:3])
        super().__init__("; ".join(texts))


class BackendPrefixRefused(ValueError):
    """A text model whose name begins with a backend prefix (HTTP 400)."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{shortened(name)!r} starts with a backend prefix; propose the model without it: "
            "the entries of the back ends are made from that one"
        )


def problem(kind: str, location: Location, message: str, given: object, **context: str) -> Problem:
    """Return one problem; what was given is repeated as far as it is short and can be sent."""
    found: Problem = {
        "type": kind,
        "loc": ["body", *(shortened(part) if isinstance(part, str) else part for part in location)],
        "msg": shortened(message, 2 * MAX_TEXT),
        "input": echoed(given),
    }
    return {**found, "ctx": context} if context else found


def value_problem(location: Location, reason: str, given: object) -> Problem:
    """Return a problem with a rule of our own."""
    return {**problem("value_error", location, f"Value error, {reason}", given), "ctx": {"error": {}}}


def missing(field: str, body: object) -> Problem:
    """Return the problem that a field is not there."""
    return problem("missing", (field,), "Field required", body)


def validation_problems(error: ValidationError, body: Mapping[str, Any]) -> list[Problem]:
    """Return the problems that a model found in a body."""
    found = error.errors(include_url=False, include_input=False)
    return [_of_pydantic(item, body) for item in islice(found, MAX_PROBLEMS)]


def record_problems(error: RecordInvalid, body: Mapping[str, Any]) -> list[Problem]:
    """Return the problems for which a record made of a body was refused."""
    if isinstance(error.__cause__, ValidationError):
        return validation_problems(error.__cause__, body)
    location = _location_of(error.path, body)
    return [value_problem(location, error.reason, _value_at(location, body))]


def shortened(text: str, length: int = MAX_TEXT) -> str:
    """Return the text, cut where it is long, so that it can be sent."""
    return printable(text if len(text) <= length else f"{text[:length]}...")


def echoed(given: object) -> Any:  # noqa: ANN401 - any JSON value
    """Return what was given if that is short JSON, else a short JSON value that tells what it was."""
    match given:
        case str():
            return shortened(given)
        case bool() | None:
            return given
        case int():
            return f"an integer of {given.bit_length()} bits" if find_flaw(given) else given
        case float():
            return given if math.isfinite(given) else repr(given)
        case dict() | list():
            kind = "an object" if isinstance(given, dict) else "a list"
            return given if _is_short(given) else f"{kind} of {len(given)} values"
        case _:
            return f"a value of type {type(given).__name__}"


def _is_short(given: object) -> bool:
    values, characters, waiting = 0, 0, [given]
    while waiting:
        value = waiting.pop()
        plain: Iterable[object] = (value,)
        if isinstance(value, dict):
            plain = islice(value, MAX_ECHOED_VALUES)
            waiting.extend(islice(value.values(), MAX_ECHOED_VALUES))
        elif isinstance(value, list):
            plain = ()
            waiting.extend(value[:MAX_ECHOED_VALUES])
        for one in plain:
            if find_flaw(one):
                return False
            characters += len(one) if isinstance(one, str) else 0
        values += 1
        if values > MAX_ECHOED_VALUES or characters > MAX_ECHOED_CHARACTERS:
            return False
    return True


def _of_pydantic(item: Mapping[str, Any], body: Mapping[str, Any]) -> Problem:
    location, kind = tuple(item["loc"]), item["type"]
    if kind == "value_error":
        where = () if location in AS_A_WHOLE else location
        return value_problem(where, item["msg"].removeprefix("Value error, "), _value_at(where, body))
    given = _value_at(location[:-1] if kind == "missing" else location, body)
    context = {key: str(value) for key, value in item.get("ctx", {}).items()}
    return problem(kind, location, item["msg"], given, **context)


def _value_at(location: Location, body: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return what the client sent there; None where there is nothing, as below a value that was converted."""
    value = body
    for step in location:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


def _location_of(path: str, body: Any) -> Location:  # noqa: ANN401 - any JSON value
    """Return the location that a path means. Keys may hold dots, so the longest that fits counts."""
    location: list[str | int] = []
    parts = path.split(".") if path else []
    while parts:
        key, used = _next_step(parts, _value_at(tuple(location), body))
        location.append(key)
        parts = parts[used:]
    return tuple(location)


def _next_step(parts: list[str], value: object) -> tuple[str | int, int]:
    if isinstance(value, list) and parts[0].isdecimal():
        return int(parts[0]), 1
    if isinstance(value, dict):
        for used in range(len(parts), 0, -1):
            if ".".join(parts[:used]) in value:
                return ".".join(parts[:used]), used
    return parts[0], 1

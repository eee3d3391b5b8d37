"""JSON of others read leniently: NaN is taken, the last of equal keys, and lone surrogates."""

import json
from typing import Any

from pydantic_core import from_json

from horde_model_reference.garbage_pause import garbage_pause


class UnusableJson(ValueError):
    """Bytes that do not hold what they should."""


def read_json(body: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value. Raises `UnusableJson`."""
    try:
        with garbage_pause():
            return from_json(body)
    except ValueError:  # it refuses lone surrogates, which spoil one record and not the document
        return _read_with_the_slow_reader(body)


def read_object(body: bytes | str) -> dict[str, Any]:
    """Return the JSON object. Raises `UnusableJson`."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise UnusableJson("not a JSON object")
    return value


def object_or_none(body: bytes | str) -> dict[str, Any] | None:
    """Return the JSON object; None for anything else."""
    try:
        return read_object(body)
    except UnusableJson:
        return None


def _read_with_the_slow_reader(body: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnusableJson(f"not JSON: {error}") from error

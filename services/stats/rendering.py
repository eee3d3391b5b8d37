"""JSON as answers carry it."""

import json
from typing import Any

import orjson


def json_bytes(value: object) -> bytes:
    """Return compact JSON, non-ASCII unescaped where that is possible at all."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits, or half of a surrogate pair
        return json.dumps(value, separators=(",", ":")).encode()


def members(value: dict[str, Any]) -> bytes:
    """Return the members of an object, to be put into another one after a comma."""
    return json_bytes(value)[1:-1]


def without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """Return the object without its members that are null."""
    return {name: inner for name, inner in value.items() if inner is not None}

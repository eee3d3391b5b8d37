"""References within the description of the API."""

from collections.abc import Mapping
from typing import Any


def looked_up(document: Mapping[str, Any], value: Any) -> Any:
    """Return what a value refers to, or the value itself where it is no reference."""
    if not isinstance(value, dict) or "$ref" not in value:
        return value
    found: Any = document
    for name in str(value["$ref"]).removeprefix("#/").split("/"):
        found = found[name]
    return found

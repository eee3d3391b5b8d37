"""JSON texts that should hold an object."""

import json
from typing import Any


def json_object(text: str | bytes) -> dict[str, Any] | None:
    """Return the object; None for anything else."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

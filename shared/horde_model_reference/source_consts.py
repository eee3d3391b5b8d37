"""Where records come from: the canonical reference, the queue, providers (data-model.md section 2)."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

HORDE_SOURCE_ID: Final = "horde"
"""The canonical reference."""

ANY_SOURCE: Final = "any"
"""The canonical reference and then every provider."""

PENDING_SOURCE_ID: Final = "pending"
"""Records of the queue that are not yet canonical."""

RESERVED_SOURCE_IDS: Final = frozenset({HORDE_SOURCE_ID, ANY_SOURCE})
"""Ids that no provider may take."""

SourceSelector = str | Sequence[str]
"""One source id, or several in order of precedence."""


class SourceOutcome(StrEnum):
    """What reading one source came to."""

    ok = "ok"
    empty = "empty"
    error = "error"


def normalize_source_selector(selector: SourceSelector) -> tuple[str, ...]:
    """Return the ids of a selector in order, each once; an empty one means the canonical reference."""
    ids = (selector,) if isinstance(selector, str) else tuple(selector)
    return tuple(dict.fromkeys(ids)) or (HORDE_SOURCE_ID,)

"""Paths from a record to a value: `nsfw`, `model_classification__domain`, `requirements__min_steps`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Final

from pydantic import BaseModel

SEPARATOR: Final = "__"


class Missing(Enum):
    """The only value of the type that says: the path ends before its last segment."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A path and how to follow it.

    `get` returns `MISSING` where an earlier segment is None or a mapping lacks the key. It raises
    `ValueError` for a segment that the value before it cannot have.
    """

    text: str
    segments: tuple[str, ...]
    get: Callable[[object], object]

    @property
    def field(self) -> str:
        """The field of the record where the path begins."""
        return self.segments[0]

    @property
    def is_nested(self) -> bool:
        """Whether the path goes on inside the field."""
        return len(self.segments) > 1

    def find(self, record: object) -> object:
        """Return the value, None where the path ends early."""
        value = self.get(record)
        return None if value is MISSING else value


@lru_cache(maxsize=1024)
def parse_path(text: str) -> FieldPath:
    """Read a path; whether a class has its field is another question."""
    segments = tuple(text.split(SEPARATOR))
    return FieldPath(text, segments, _getter(text, segments))


def require_field(record_type: type[BaseModel], name: str) -> None:
    """Raise `ValueError`, listing the valid names, unless records of the class have the field."""
    if name not in record_type.model_fields:
        valid = ", ".join(sorted(record_type.model_fields))
        raise ValueError(f"{record_type.__name__} has no field {name!r}; it has {valid}")


def _getter(text: str, segments: tuple[str, ...]) -> Callable[[object], object]:
    first = attrgetter(segments[0])
    if len(segments) == 1:
        return first
    inner = segments[1:]

    def follow(record: object) -> object:
        value: object = first(record)
        for segment in inner:
            if value is None or value is MISSING:
                return MISSING
            value = _step(text, value, segment)
        return value

    return follow


def _step(text: str, value: object, segment: str) -> object:
    if isinstance(value, Mapping):
        return value.get(segment, MISSING)
    found = getattr(value, segment, MISSING)
    # A method is no value: name__startswith must not quietly match nothing.
    if found is MISSING or callable(found):
        raise ValueError(f"{text!r}: {segment!r} is no suffix and no part of a {type(value).__name__}")
    return found

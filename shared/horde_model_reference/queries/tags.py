"""Tests of the tags of a record; a record without tags holds none of any."""

from collections.abc import Iterable
from typing import Any

from horde_model_reference.queries.relations import Test


def wanted_tags(tags: Iterable[str]) -> frozenset[str]:
    """Return the tags asked for. Raises `ValueError` for a text, whose items would be letters."""
    if isinstance(tags, str):
        raise ValueError(f"several tags are wanted, not the text {tags!r}")  # noqa: TRY004 - as for `__in`
    return frozenset(tags)


def any_of(wanted: frozenset[str]) -> Test:
    """Hold for records with at least one of the tags."""
    return lambda record: not wanted.isdisjoint(_tags_of(record))


def all_of(wanted: frozenset[str]) -> Test:
    """Hold for records that have tags, these among them."""
    return lambda record: bool(tags := _tags_of(record)) and wanted.issubset(tags)


def none_of(wanted: frozenset[str]) -> Test:
    """Hold for records with none of the tags."""
    return lambda record: wanted.isdisjoint(_tags_of(record))


def _tags_of(record: Any) -> list[str]:  # noqa: ANN401 - the class was asked for the field
    return record.tags or []

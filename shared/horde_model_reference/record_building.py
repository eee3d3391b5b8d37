"""Stored v2 JSON becomes records; a bad one costs only itself (python-client.md section 3)."""

import logging
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from horde_model_reference.meta_consts import get_category_descriptor, is_registered_category
from horde_model_reference.model_reference_records import (
    KEEP_UNKNOWN,
    GenericModelRecord,
    get_record_type_for_category,
)
from horde_model_reference.no_fork import no_fork
from horde_model_reference.settings import ai_horde_ci_settings

log = logging.getLogger(__name__)

_NULL_DEPTH: Final = 4
"""So deep do the objects of a record lie in each other: record, config, list of files, file."""


class BuiltRecords(NamedTuple):
    """The records of a category by their own names, and what could not be built: pairs of key and reason."""

    records: dict[str, GenericModelRecord]
    rejected: tuple[tuple[str, str], ...]


class RecordBuilder(NamedTuple):
    """Builds records of one category.

    `defaults` stand for what a record leaves out. `keep_unknown`: baselines and styles that are not known
    stay as they are. `forbid_extra`: fields that are not known make a record invalid.
    """

    record_type: type[GenericModelRecord]
    defaults: Mapping[str, Any]
    keep_unknown: bool = True
    forbid_extra: bool = False

    def build(self, stored: object) -> GenericModelRecord:
        """Return the record. null that is not allowed counts as absent. Raises `ValidationError`."""
        raw = {**self.defaults, **stored} if self.defaults and isinstance(stored, Mapping) else stored
        try:
            found = self._validate(raw)
        except ValidationError:
            without = _without_nulls(raw, _NULL_DEPTH)
            if without == raw:
                raise
            found = self._validate(without)
        if self.forbid_extra and isinstance(raw, Mapping):
            _require_known_fields(found, raw)
        return found

    def _validate(self, raw: object) -> GenericModelRecord:
        context = KEEP_UNKNOWN if self.keep_unknown else None
        return self.record_type.model_validate(raw, context=context)


def builder_for(category: str, *, keep_unknown: bool = True) -> RecordBuilder:
    """Return what builds the records of the category as its class is registered now.

    Under AI_HORDE_TESTING a field that is not known makes a record invalid.
    """
    record_type = get_record_type_for_category(category)
    if not record_type.__pydantic_complete__:
        with no_fork:  # older pydantic may take the parent's validator where two threads complete one class
            record_type.model_rebuild()
    return RecordBuilder(
        record_type=record_type,
        defaults=_defaults(category, record_type),
        keep_unknown=keep_unknown,
        forbid_extra=ai_horde_ci_settings.ai_horde_testing,
    )


def build_records(category: str, value: Mapping[str, Any], *, strict: bool = False) -> BuiltRecords:
    """Build what can be built; baselines and styles that are not known are kept as text.

    What is rejected is logged once. `strict`: the first bad record raises pydantic's `ValidationError`
    instead. Where two records have one name, that whose key is the name wins, else the first.
    """
    builder = builder_for(category)
    found = _ByName()
    rejected: list[tuple[str, str]] = []
    for key, stored in value.items():
        try:
            loser = found.add(key, builder.build(stored))
        except ValidationError as error:
            if strict:
                raise
            rejected.append((key, reason_of(error)))
        else:
            if loser is not None:
                rejected.append((loser, "another record has its name"))
    for key, reason in rejected:
        _log_rejected(str(category), key, reason)
    return BuiltRecords(found.records, tuple(rejected))


def named_by_key(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored records with a name each, that of the key where it is missing."""
    return {
        key: {**stored, "name": key} if isinstance(stored, Mapping) and stored.get("name") is None else stored
        for key, stored in value.items()
    }


def reason_of(error: ValidationError) -> str:
    """Return on one line where the first problem lies and what it is, without the value itself."""
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    reason = f"{path}: {message}" if path else message
    return reason if reason.isprintable() else repr(reason)


class _ByName:
    """Records by their names, and the keys that they came with."""

    def __init__(self) -> None:
        self.records: dict[str, GenericModelRecord] = {}
        self._keys: dict[str, str] = {}

    def add(self, key: str, record: GenericModelRecord) -> str | None:
        """Take the record; return the key of the one that loses where two have one name."""
        holder = self._keys.get(record.name)
        if holder is not None and key != record.name:
            return key
        self.records[record.name] = record
        self._keys[record.name] = key
        return holder


@lru_cache(maxsize=4096)
def _log_rejected(category: str, key: str, reason: str) -> None:
    """Log; the cache makes it once for each record and reason, not at every refresh."""
    log.warning("%s: the record %r is left out: %s", category, key, reason)


def _defaults(category: str, record_type: type[GenericModelRecord]) -> dict[str, Any]:
    """Return what follows from the category, for a class that does not know its own."""
    if not is_registered_category(category) or not record_type.model_fields["record_type"].is_required():
        return {}
    return {
        "record_type": str(category),
        "model_classification": get_category_descriptor(category).classification,
    }


def _without_nulls(value: object, depth: int) -> object:
    """Return the value without the members that are null, so many objects deep."""
    if not depth:
        return value
    if isinstance(value, Mapping):
        return {key: _without_nulls(item, depth - 1) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item, depth - 1) for item in value]
    return value


def _require_known_fields(record: GenericModelRecord, raw: Mapping[str, Any]) -> None:
    """Raise `ValidationError`, as pydantic does where extra fields are forbidden."""
    path = next(_extra_fields(record, raw), None)
    if path is not None:
        raise ValidationError.from_exception_data(
            type(record).__name__, [{"type": "extra_forbidden", "loc": path, "input": None}]
        )


def _extra_fields(part: BaseModel, raw: Mapping[str, Any]) -> Iterator[tuple[str | int, ...]]:
    fields = {name: name for name in type(part).model_fields}
    fields |= {item.alias: name for name, item in type(part).model_fields.items() if item.alias}
    for key, item in raw.items():
        if key not in fields:
            yield (key,)
            continue
        for place, inner, inner_raw in _parts(getattr(part, fields[key]), item):
            yield from ((key, *place, *rest) for rest in _extra_fields(inner, inner_raw))


def _parts(value: object, raw: object) -> Iterator[tuple[tuple[int, ...], BaseModel, Mapping[str, Any]]]:
    """Yield the objects in a field that are models of their own, with what they were built from."""
    if isinstance(value, BaseModel) and isinstance(raw, Mapping):
        yield (), value, raw
    elif isinstance(value, list) and isinstance(raw, list):
        for index, (item, raw_item) in enumerate(zip(value, raw, strict=False)):
            if isinstance(item, BaseModel) and isinstance(raw_item, Mapping):
                yield (index,), item, raw_item

"""How queries are made of records (python-client.md section 7)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from horde_model_reference.gathered_records import GatheredRecords
from horde_model_reference.model_reference_records import (
    ControlNetModelRecord,
    GenericModelRecord,
    ImageGenerationModelRecord,
    TextGenerationModelRecord,
    get_record_type_for_category,
)
from horde_model_reference.queries.builders import ControlNetQuery, ImageGenerationQuery, TextModelQuery
from horde_model_reference.queries.model_query import ModelQuery
from horde_model_reference.queries.pools import CrossCategoryPool, RecordPool
from horde_model_reference.source_consts import HORDE_SOURCE_ID, SourceOutcome

__all__ = [
    "ControlNetQuery",
    "ImageGenerationQuery",
    "ModelQuery",
    "TextModelQuery",
    "build_controlnet_query",
    "build_cross_category_query",
    "build_image_query",
    "build_query",
    "build_text_query",
    "query_for",
    "query_over_all",
]

RecordT = TypeVar("RecordT", bound=GenericModelRecord)

BUILDERS: Final[Mapping[str, type[ModelQuery[Any]]]] = MappingProxyType(
    {
        "image_generation": ImageGenerationQuery,
        "text_generation": TextModelQuery,
        "controlnet": ControlNetQuery,
    }
)
"""The categories whose queries have steps of their own."""


def query_for(category: str, gathered: GatheredRecords) -> ModelQuery[GenericModelRecord]:
    """Return the query of a category, an `ImageGenerationQuery` for image_generation and so on.

    Raises `RuntimeError` when a source gave a record of another class than that of the category.
    """
    record_type = get_record_type_for_category(category)
    layers = tuple((source, _checked(source, given, record_type)) for source, given in gathered.sources)
    return BUILDERS.get(category, ModelQuery)(RecordPool(record_type, layers, gathered.status))


def query_over_all(
    references: Mapping[str, Mapping[str, GenericModelRecord] | None],
) -> ModelQuery[GenericModelRecord]:
    """Return a query over the records of many categories; valid fields are those that all records have."""
    layers = tuple((HORDE_SOURCE_ID, records) for records in references.values() if records)
    return ModelQuery(CrossCategoryPool(GenericModelRecord, layers, _status(bool(layers))))


def build_query(reference: Mapping[str, RecordT], record_type: type[RecordT]) -> ModelQuery[RecordT]:
    """Return a query over a mapping of records; the names are those that the records hold."""
    return ModelQuery(_pool(reference, record_type))


def build_image_query(reference: Mapping[str, ImageGenerationModelRecord]) -> ImageGenerationQuery:
    """Return a query over a mapping of image models."""
    return ImageGenerationQuery(_pool(reference, ImageGenerationModelRecord))


def build_text_query(reference: Mapping[str, TextGenerationModelRecord]) -> TextModelQuery:
    """Return a query over a mapping of text models."""
    return TextModelQuery(_pool(reference, TextGenerationModelRecord))


def build_controlnet_query(reference: Mapping[str, ControlNetModelRecord]) -> ControlNetQuery:
    """Return a query over a mapping of ControlNet models."""
    return ControlNetQuery(_pool(reference, ControlNetModelRecord))


def build_cross_category_query(
    references: Mapping[str, Mapping[str, GenericModelRecord] | None],
) -> ModelQuery[GenericModelRecord]:
    """Return a query over the mappings of several categories, in their order."""
    return query_over_all({category: _by_own_names(given or {}) for category, given in references.items()})


def _pool(reference: Mapping[str, RecordT], record_type: type[RecordT]) -> RecordPool[RecordT]:
    _require_class(HORDE_SOURCE_ID, reference, record_type)
    records = _by_own_names(reference)
    return RecordPool(record_type, ((HORDE_SOURCE_ID, records),), _status(bool(records)))


def _checked(
    source: str, given: Mapping[str, GenericModelRecord], record_type: type[GenericModelRecord]
) -> Mapping[str, GenericModelRecord]:
    if source == HORDE_SOURCE_ID:  # built by this library as records of the class, under their names
        return given
    _require_class(source, given, record_type)
    return _by_own_names(given)


def _require_class(
    source: str, given: Mapping[str, GenericModelRecord], record_type: type[GenericModelRecord]
) -> None:
    # Classes, not records: providers may hold thousands of records, and this is done for every query.
    wrong = [found for found in set(map(type, given.values())) if not issubclass(found, record_type)]
    if wrong:
        names = ", ".join(sorted(found.__name__ for found in wrong))
        raise RuntimeError(f"the source {source!r} gave {names} where {record_type.__name__} is expected")


def _by_own_names(given: Mapping[str, RecordT]) -> Mapping[str, RecordT]:
    if list(given) == [record.name for record in given.values()]:
        return given
    named: dict[str, RecordT] = {}
    for record in given.values():
        named.setdefault(record.name, record)
    return named


def _status(has_records: bool) -> dict[str, SourceOutcome]:
    return {HORDE_SOURCE_ID: SourceOutcome.ok if has_records else SourceOutcome.empty}

"""Reads categories: from the canonical reference and, where asked for, from providers too."""

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from horde_model_reference.backends.base import ModelReferenceBackend
from horde_model_reference.gathered_records import GatheredRecords
from horde_model_reference.meta_consts import (
    all_category_names,
    as_category,
    is_held_here,
    is_registered_category,
)
from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.no_fork import no_fork
from horde_model_reference.providers.registry import ModelProviderRegistry
from horde_model_reference.record_building import build_records
from horde_model_reference.record_sources import Found, Records, RecordSource
from horde_model_reference.source_consts import HORDE_SOURCE_ID, SourceOutcome, SourceSelector
from horde_model_reference.source_gathering import gather, gather_async, merged

if TYPE_CHECKING:
    from horde_model_reference.queries.model_query import ModelQuery

log = logging.getLogger(__name__)

_QueryFor = Callable[[str, GatheredRecords], "ModelQuery[GenericModelRecord]"]
_QueryOverAll = Callable[[Found], "ModelQuery[GenericModelRecord]"]

_OK: Final = {HORDE_SOURCE_ID: SourceOutcome.ok}


class ReferenceReader:
    """The reads of a manager. Categories are members or their texts; unknown ones have nothing."""

    def __init__(self, source: RecordSource, providers: ModelProviderRegistry) -> None:
        self._source = source
        self._providers = providers
        self._tried: set[str] = set()
        self._gathered: dict[str, GatheredRecords] = {}
        self.fresh: Callable[[str], Records | None] = source.fresh

    @property
    def has_tried_all(self) -> bool:
        """Whether every category that has a source was loaded once, with whatever success."""
        return self._tried.issuperset(own_categories())

    def records(self, category: str, *, force: bool, source: SourceSelector) -> Records | None:
        """Return the records of a category by name, None if no source has any. Blocks.

        Raises `ValueError` for a source that nobody registered.
        """
        if source == HORDE_SOURCE_ID:
            return self._horde(category, force=force)
        found = gather(
            as_category(category),
            source,
            self._providers,
            lambda: self._horde(category, force=force),
            force_refresh=force,
        )
        return merged(found) or None

    async def records_async(self, category: str, *, force: bool, source: SourceSelector) -> Records | None:
        """Do the same without blocking the loop."""
        if source == HORDE_SOURCE_ID:
            return await self._horde_async(category, force=force)
        found = await gather_async(
            as_category(category),
            source,
            self._providers,
            lambda: self._horde_async(category, force=force),
            force_refresh=force,
        )
        return merged(found) or None

    def all_records(self, *, force: bool, settle: bool = False) -> Found:
        """Return every category of one moment; None for those that have nothing. Blocks."""
        names = own_categories()
        found = self._source.load(names, force=force, settle=settle)
        self._tried.update(names)
        return _complete(found)

    async def all_records_async(self, *, force: bool, settle: bool = False) -> Found:
        """Do the same without blocking the loop."""
        names = own_categories()
        found = await self._source.load_async(names, force=force, settle=settle)
        self._tried.update(names)
        return _complete(found)

    def query(self, category: str, source: SourceSelector) -> "ModelQuery[GenericModelRecord]":
        """Return a query over a category. Blocks.

        Raises `ValueError` for an unknown category or source, `RuntimeError` if the category has no data.
        """
        if source == HORDE_SOURCE_ID:
            records = self.fresh(category)  # most calls: nothing but look-ups
            if records is None:
                records = self._required(category)
            return _query_for(category, self._alone(category, records))
        if not is_registered_category(category):
            raise ValueError(f"unknown category: {category!r}")
        name = as_category(category)
        found = gather(name, source, self._providers, lambda: self._horde(name, force=False))
        return _query_for(name, found)

    def query_all(self) -> "ModelQuery[GenericModelRecord]":
        """Return a query over the records of all categories. Blocks."""
        _, make = _query_makers()
        return make(self.all_records(force=False))

    def close(self) -> None:
        """Listen to the back end no longer."""
        self._source.close()

    def forget(self, category: str) -> None:
        """Have the records of a category built anew from what was loaded."""
        if is_registered_category(category):
            self._source.forget(as_category(category))

    def _required(self, category: str) -> Records:
        if not is_registered_category(category):
            raise ValueError(f"unknown category: {category!r}")
        records = self._horde(category, force=False)
        if records is None:
            raise RuntimeError(f"there are no data of {category}")
        return records

    def _horde(self, category: str, *, force: bool) -> Records | None:
        name = _readable(category)
        if name is None:
            return None
        if not force and (fresh := self.fresh(name)) is not None:
            return fresh
        found = self._source.load((name,), force=force)[name]
        self._tried.add(name)
        return found

    async def _horde_async(self, category: str, *, force: bool) -> Records | None:
        name = _readable(category)
        if name is None:
            return None
        if not force and (fresh := self.fresh(name)) is not None:
            return fresh
        found = (await self._source.load_async((name,), force=force))[name]
        self._tried.add(name)
        return found

    def _alone(self, category: str, records: Records) -> GatheredRecords:
        """Return the records as those of the only source; the same object as long as they are the same."""
        known = self._gathered.get(category)
        if known is None or not known.sources or known.sources[0][1] is not records:
            if not records:
                return GatheredRecords((), {HORDE_SOURCE_ID: SourceOutcome.empty})
            known = GatheredRecords(((HORDE_SOURCE_ID, records),), _OK)
            self._gathered[category] = known
        return known


@cache
def _query_makers() -> tuple[_QueryFor, _QueryOverAll]:
    """Return what makes the queries; programs that never ask do not load the module."""
    with no_fork:
        from horde_model_reference.query import query_for, query_over_all  # noqa: PLC0415

    return query_for, query_over_all


def _query_for(category: str, found: GatheredRecords) -> "ModelQuery[GenericModelRecord]":
    make, _ = _query_makers()
    return make(category, found)


def own_categories() -> tuple[str, ...]:
    """Return the categories that the canonical reference holds, in their order."""
    return tuple(name for name in all_category_names() if is_held_here(name))


def strict_records(
    backend: ModelReferenceBackend, categories: Iterable[str]
) -> dict[str, Mapping[str, GenericModelRecord] | None]:
    """Build the records of what the back end holds. The first bad one raises pydantic's `ValidationError`."""
    raw = backend.fetch_all_categories()
    return {
        name: None if (value := raw.get(name)) is None else build_records(name, value, strict=True).records
        for name in categories
    }


def _readable(category: str) -> str | None:
    """Return the category if the canonical reference can have it."""
    return as_category(category) if is_held_here(category) else None


def _complete(found: Found) -> Found:
    return {name: found.get(name) for name in all_category_names()}

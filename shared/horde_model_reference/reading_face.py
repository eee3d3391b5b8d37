"""The reading methods of a manager (python-client.md section 3)."""

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, overload

from horde_model_reference.backends.base import ModelReferenceBackend
from horde_model_reference.meta_consts import (
    MODEL_REFERENCE_CATEGORY,
    all_category_names,
    as_category,
    is_registered_category,
)
from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.record_sources import Found
from horde_model_reference.reference_reader import ReferenceReader, own_categories, strict_records
from horde_model_reference.source_consts import HORDE_SOURCE_ID, SourceSelector

if TYPE_CHECKING:
    from horde_model_reference.queries.builders import ControlNetQuery, ImageGenerationQuery, TextModelQuery
    from horde_model_reference.queries.model_query import ModelQuery

Reference = dict[str, GenericModelRecord]
References = dict[str, Reference]
MaybeReferences = dict[str, Reference | None]

IMAGE = MODEL_REFERENCE_CATEGORY.image_generation

log = logging.getLogger(__name__)


class ReadingFace:
    """Reads, blocking or not. Returned mappings are the caller's; the records in them are shared.

    A category is a member or its text. `overwrite_existing` asks the sources now. `source` is the id of a
    source, or several in order of precedence; an id that nobody registered is a `ValueError`.
    `httpx_client` is accepted and not used.
    """

    _reader: ReferenceReader
    backend: ModelReferenceBackend

    def get_all_model_references(self, overwrite_existing: bool = False) -> References:
        """Return every category of the reference, all of one moment; those that failed are empty."""
        return _filled(self._reader.all_records(force=overwrite_existing))

    async def get_all_model_references_async(
        self,
        overwrite_existing: bool = False,
        *,
        httpx_client: object = None,  # noqa: ARG002
    ) -> References:
        """Do the same without blocking the loop."""
        return _filled(await self._reader.all_records_async(force=overwrite_existing))

    def get_all_model_references_or_none(
        self, overwrite_existing: bool = False, *, safe_mode: bool = False
    ) -> MaybeReferences:
        """Return every category; None for those that failed or are managed elsewhere.

        `safe_mode`: a record that is not valid raises pydantic's `ValidationError`.
        """
        found = self._reader.all_records(force=overwrite_existing)
        return _copied(found | strict_records(self.backend, own_categories()) if safe_mode else found)

    async def get_all_model_references_or_none_async(
        self,
        overwrite_existing: bool = False,
        *,
        safe_mode: bool = False,
        httpx_client: object = None,  # noqa: ARG002
    ) -> MaybeReferences:
        """Do the same without blocking the loop."""
        found = await self._reader.all_records_async(force=overwrite_existing)
        if not safe_mode:
            return _copied(found)
        import asyncio  # noqa: PLC0415 - programs without a loop need not load it

        return _copied(found | await asyncio.to_thread(strict_records, self.backend, own_categories()))

    def get_model_reference(
        self,
        category: str = IMAGE,
        overwrite_existing: bool = False,
        *,
        source: SourceSelector = HORDE_SOURCE_ID,
    ) -> Reference:
        """Return a category, name to record. Raises `RuntimeError` when there is none."""
        return _required(
            category, self.get_model_reference_or_none(category, overwrite_existing, source=source)
        )

    async def get_model_reference_async(
        self,
        category: str = IMAGE,
        overwrite_existing: bool = False,
        *,
        source: SourceSelector = HORDE_SOURCE_ID,
        httpx_client: object = None,  # noqa: ARG002
    ) -> Reference:
        """Do the same without blocking the loop."""
        return _required(
            category,
            await self.get_model_reference_or_none_async(category, overwrite_existing, source=source),
        )

    def get_model_reference_or_none(
        self,
        category: str = IMAGE,
        overwrite_existing: bool = False,
        *,
        source: SourceSelector = HORDE_SOURCE_ID,
    ) -> Reference | None:
        """Return a category, name to record; None when there is none."""
        records = self._reader.records(category, force=overwrite_existing, source=source)
        return None if records is None else dict(records)

    async def get_model_reference_or_none_async(
        self,
        category: str = IMAGE,
        overwrite_existing: bool = False,
        *,
        source: SourceSelector = HORDE_SOURCE_ID,
        httpx_client: object = None,  # noqa: ARG002
    ) -> Reference | None:
        """Do the same without blocking the loop."""
        records = await self._reader.records_async(category, force=overwrite_existing, source=source)
        return None if records is None else dict(records)

    def get_model(
        self,
        category: str,
        model_name: str,
        overwrite_existing: bool = False,
        *,
        source: SourceSelector = HORDE_SOURCE_ID,
    ) -> GenericModelRecord:
        """Return a record. Raises `RuntimeError` naming the model when there is none."""
        record = self.get_model_or_none(category, model_name, overwrite_existing, source=source)
        if record is None:
            raise RuntimeError(f"there is no model {model_name!r} in {category}")
        return record

    def get_model_or_none(
        self,
        category: str,
        model_name: str,
        overwrite_existing: bool = False,
        *,
        source: SourceSelector = HORDE_SOURCE_ID,
    ) -> GenericModelRecord | None:
        """Return a record; None when there is none."""
        if not overwrite_existing and source == HORDE_SOURCE_ID:  # most calls: nothing but a look-up
            fresh = self._reader.fresh(category)
            if fresh is not None:
                return fresh.get(model_name)
        records = self._reader.records(category, force=overwrite_existing, source=source)
        return None if records is None else records.get(model_name)

    def get_raw_model_reference_json(
        self, category: str, overwrite_existing: bool = False
    ) -> dict[str, Any] | None:
        """Return the stored v2 JSON of a category, not validated; None when there is none."""
        if not is_registered_category(category):
            return None
        return self.backend.fetch_category(as_category(category), force_refresh=overwrite_existing)

    def get_raw_model_json(
        self, category: str, model_name: str, overwrite_existing: bool = False
    ) -> dict[str, Any] | None:
        """Return the stored v2 JSON of a record, by its key; None when there is none."""
        raw = self.get_raw_model_reference_json(category, overwrite_existing)
        return None if raw is None else raw.get(model_name)

    @overload
    def query(
        self,
        category: Literal["image_generation", MODEL_REFERENCE_CATEGORY.image_generation],
        *,
        source: SourceSelector = HORDE_SOURCE_ID,
    ) -> "ImageGenerationQuery": ...

    @overload
    def query(
        self,
        category: Literal["text_generation", MODEL_REFERENCE_CATEGORY.text_generation],
        *,
        source: SourceSelector = HORDE_SOURCE_ID,
    ) -> "TextModelQuery": ...

    @overload
    def query(
        self,
        category: Literal["controlnet", MODEL_REFERENCE_CATEGORY.controlnet],
        *,
        source: SourceSelector = HORDE_SOURCE_ID,
    ) -> "ControlNetQuery": ...

    @overload
    def query(
        self, category: str, *, source: SourceSelector = HORDE_SOURCE_ID
    ) -> "ModelQuery[GenericModelRecord]": ...

    def query(
        self, category: str, *, source: SourceSelector = HORDE_SOURCE_ID
    ) -> "ModelQuery[GenericModelRecord]":
        """Return a query over a category (section 7).

        Raises `ValueError` for an unknown category, `RuntimeError` if the category has no data.
        """
        return self._reader.query(category, source)

    def query_all(self) -> "ModelQuery[GenericModelRecord]":
        """Return a query over the records of all categories."""
        return self._reader.query_all()

    def invalidate_category_cache(self, category: str) -> None:
        """Forget the records of a category: the next read builds them anew, without a request."""
        self._reader.forget(category)


def _required(category: str, reference: Reference | None) -> Reference:
    if reference is None:
        raise RuntimeError(f"there is no reference of {category}")
    return reference


def _filled(found: Found) -> References:
    """Return what was found, empty where that failed; without what is managed elsewhere."""
    failed = [name for name in own_categories() if found.get(name) is None]
    if failed:
        _log_failed(tuple(failed))
    return {name: dict(found.get(name) or {}) for name in own_categories()}


@lru_cache(maxsize=64)
def _log_failed(categories: tuple[str, ...]) -> None:
    """Log; the cache makes it once for the same categories, not at every read."""
    log.error("no data of %s", ", ".join(categories))


def _copied(found: Found) -> MaybeReferences:
    return {
        name: None if (records := found.get(name)) is None else dict(records) for name in all_category_names()
    }

"""The records of a category from several sources, in the order of a selector (python-client.md section 8)."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

from horde_model_reference.gathered_records import GatheredRecords
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, as_category
from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.providers.base import ModelProvider
from horde_model_reference.providers.registry import ModelProviderRegistry
from horde_model_reference.source_consts import (
    ANY_SOURCE,
    HORDE_SOURCE_ID,
    SourceOutcome,
    SourceSelector,
    normalize_source_selector,
)

log = logging.getLogger(__name__)

Records = Mapping[str, GenericModelRecord]
Answer = tuple[Records | None, SourceOutcome]


def gather(
    category: str,
    selector: SourceSelector,
    registry: ModelProviderRegistry,
    horde: Callable[[], Records | None],
    *,
    force_refresh: bool = False,
) -> GatheredRecords:
    """Ask every source of the selector. Raises `ValueError` for an id that nobody registered.

    `horde` answers for the canonical reference; what it raises comes out. A provider that raises is logged
    and has the outcome `error`; one that does not serve the category is not asked.
    """
    answers: dict[str, Answer] = {}
    for source_id, provider in selected(selector, registry):
        if provider is None:
            answers[source_id] = _answer(horde())
        else:
            answers[source_id] = _ask(provider, _as_member(category), force_refresh)
    return _gathered(answers)


async def gather_async(
    category: str,
    selector: SourceSelector,
    registry: ModelProviderRegistry,
    horde: Callable[[], Awaitable[Records | None]],
    *,
    force_refresh: bool = False,
) -> GatheredRecords:
    """Do the same, asking all sources at once."""
    import asyncio  # noqa: PLC0415 - costs more than all of this package; programs may never need it

    async def ask(provider: ModelProvider | None) -> Answer:
        if provider is None:
            return _answer(await horde())
        return await _ask_async(provider, _as_member(category), force_refresh)

    sources = selected(selector, registry)
    found = await asyncio.gather(*(ask(provider) for _, provider in sources), return_exceptions=True)
    answers: dict[str, Answer] = {}
    for (source_id, _), answer in zip(sources, found, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        answers[source_id] = answer
    return _gathered(answers)


def selected(
    selector: SourceSelector, registry: ModelProviderRegistry
) -> list[tuple[str, ModelProvider | None]]:
    """Return the ids that a selector means, in order, with their providers; None is the canonical reference.

    Raises `ValueError` for an id that nobody registered.
    """
    found: dict[str, ModelProvider | None] = {}
    for source_id in normalize_source_selector(selector):
        if source_id == ANY_SOURCE:
            found.setdefault(HORDE_SOURCE_ID)
            for provider_id, provider in registry.items():
                found.setdefault(provider_id, provider)
        elif source_id == HORDE_SOURCE_ID:
            found.setdefault(source_id)
        elif (single := registry.get(source_id)) is not None:
            found.setdefault(source_id, single)
        else:
            raise ValueError(f"no provider is registered under {source_id!r}")
    return list(found.items())


def merged(gathered: GatheredRecords) -> dict[str, GenericModelRecord]:
    """Return the records of all sources by name, the first of each name, in a fresh mapping."""
    found: dict[str, GenericModelRecord] = {}
    for _, records in gathered.sources:
        found.update({name: record for name, record in records.items() if name not in found})
    return found


def _as_member(category: str) -> MODEL_REFERENCE_CATEGORY:
    """Return what providers are given: they are written for members, and get other texts as they are."""
    return cast("MODEL_REFERENCE_CATEGORY", as_category(category))


def _ask(provider: ModelProvider, category: MODEL_REFERENCE_CATEGORY, force_refresh: bool) -> Answer:
    try:
        if not provider.serves_category(category):
            return _answer(None)
        return _answer(_by_name(provider.fetch_category(category, force_refresh=force_refresh)))
    except Exception as error:  # noqa: BLE001 - a provider is foreign code
        return _failure(provider, category, error)


async def _ask_async(
    provider: ModelProvider, category: MODEL_REFERENCE_CATEGORY, force_refresh: bool
) -> Answer:
    try:
        if not provider.serves_category(category):
            return _answer(None)
        return _answer(_by_name(await provider.fetch_category_async(category, force_refresh=force_refresh)))
    except Exception as error:  # noqa: BLE001 - a provider is foreign code
        return _failure(provider, category, error)


def _failure(provider: ModelProvider, category: str, error: Exception) -> Answer:
    log.warning("the provider %r failed for %s: %r", provider.source_id, category, error)
    log.debug("where it failed", exc_info=error)
    return None, SourceOutcome.error


def _answer(records: Records | None) -> Answer:
    return records, SourceOutcome.ok if records else SourceOutcome.empty


def _by_name(records: Records | None) -> Records | None:
    """Return a provider's records by their own names, the first of each, in a mapping that is ours."""
    if records is None:
        return None
    found: dict[str, GenericModelRecord] = {}
    for record in records.values():
        found.setdefault(record.name, record)
    return found


def _gathered(answers: Mapping[str, Answer]) -> GatheredRecords:
    return GatheredRecords(
        sources=tuple((source_id, records) for source_id, (records, _) in answers.items() if records),
        status={source_id: outcome for source_id, (_, outcome) in answers.items()},
    )

"""Which models the AI-Horde uses most (python-client.md section 3)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict

from horde_model_reference.background_requests import RequestFailed
from horde_model_reference.integrations.horde_figures import read_status, read_usage, read_workers
from horde_model_reference.integrations.horde_statistics import HordeFigures, ModelStatistics, statistics_of
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_reference_records import GenericModelRecord

log = logging.getLogger(__name__)

T = TypeVar("T")
Fetch = Callable[[str], Awaitable[Any]]
"""Gets a path below the address of the API, with its query; returns JSON or raises `RequestFailed`."""


class HordeUnavailable(RuntimeError):
    """The AI-Horde does not tell what the models are to be sorted by."""


class SortBy(StrEnum):
    """What popularity is measured by."""

    worker_count = "worker_count"
    usage_day = "usage_day"
    usage_month = "usage_month"
    usage_total = "usage_total"


class PopularModelResult(BaseModel):
    """A model, its record as JSON, and its figures."""

    model_config = ConfigDict(defer_build=True)

    name: str
    record: dict[str, Any]
    stats: ModelStatistics


_PATHS: Final[Mapping[str, tuple[str, str, str]]] = {
    MODEL_REFERENCE_CATEGORY.image_generation: (
        "v2/status/models?type=image&model_state=all",
        "v2/stats/img/models?model_state=known",
        "v2/workers?type=image",
    ),
    MODEL_REFERENCE_CATEGORY.text_generation: (
        "v2/status/models?type=text&model_state=all",
        "v2/stats/text/models",
        "v2/workers?type=text",
    ),
}
"""Status, usage and workers. "Known" text models are not ours: their names are matched here."""


async def popular_models(
    records: Mapping[str, GenericModelRecord],
    category: str,
    *,
    limit: int = 10,
    sort_by: str = SortBy.worker_count,
    include_workers: bool = False,
    fetch: Fetch,
) -> list[PopularModelResult]:
    """Return the models at the top, the first one first; none for a category that is not at work there.

    Models whose figure is the same stay in the order of the reference. Raises `ValueError` for an unknown
    `sort_by`, and `HordeUnavailable`.
    """
    wanted = SortBy(sort_by)
    if category not in _PATHS:
        return []
    figures = await _figures(category, include_workers, fetch)
    _require_figures_for(wanted, figures, include_workers)
    statistics = statistics_of(category, records, figures)
    ranked = sorted(statistics, key=lambda name: _measure(statistics[name], wanted), reverse=True)
    return [
        PopularModelResult(
            name=name,
            record=records[name].model_dump(mode="json", by_alias=True, exclude_none=True),
            stats=statistics[name],
        )
        for name in ranked[: max(limit, 0)]
    ]


async def _figures(category: str, include_workers: bool, fetch: Fetch) -> HordeFigures:
    status_path, usage_path, workers_path = _PATHS[category]
    status, usage, workers = await asyncio.gather(
        _received(status_path, fetch, read_status),
        _received(usage_path, fetch, read_usage),
        _received(workers_path if include_workers else None, fetch, read_workers),
    )
    return HordeFigures(status, usage, workers)


async def _received(path: str | None, fetch: Fetch, read: Callable[[object], T | None]) -> T | None:
    if path is None:
        return None
    try:
        return read(await fetch(path))
    except RequestFailed as error:
        log.warning("the AI-Horde does not tell %s: %s", path.partition("?")[0], error)
        return None


def _require_figures_for(wanted: SortBy, figures: HordeFigures, include_workers: bool) -> None:
    needed: object = figures.usage
    if wanted is SortBy.worker_count:
        needed = figures.workers if include_workers else figures.status
    if needed is None:
        raise HordeUnavailable(f"the AI-Horde does not tell the {wanted} of models")


def _measure(statistics: ModelStatistics, wanted: SortBy) -> int:
    usage = statistics.usage_stats
    match wanted:
        case SortBy.worker_count:
            return statistics.worker_count or 0
        case SortBy.usage_day:
            return usage.day if usage else 0
        case SortBy.usage_month:
            return usage.month if usage else 0
        case SortBy.usage_total:
            return usage.total if usage else 0

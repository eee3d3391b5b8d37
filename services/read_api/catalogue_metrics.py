"""Metrics of what an instance serves."""

import math
from collections.abc import Callable, Collection, Iterator
from typing import Literal

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from read_api.holder import PageHolder
from read_api.pages import Pages

Source = Literal["journal", "primary"]


class CatalogueMetrics(Collector):
    """Revision, sizes, what is missing, and the contact with the source, read when asked for.

    `source` is what the revisions come from: the journal, or a PRIMARY. `find_unseeded` returns the
    categories that were never seeded; None where that is not known.
    """

    def __init__(
        self,
        holder: PageHolder,
        source: Source = "journal",
        find_unseeded: Callable[[], Collection[str] | None] = lambda: None,
    ) -> None:
        self._holder = holder
        self._source = source
        self._find_unseeded = find_unseeded

    def describe(self) -> list[Metric]:
        """Name nothing in advance: without pages there is nothing to say."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of the pages that are being served."""
        holder = self._holder
        source = holder.source
        yield GaugeMetricFamily("catalogue_stale", "1 while newer revisions may exist unseen.", holder.stale)
        if source is not None and math.isfinite(source.age_seconds):
            yield _contact(self._source, source.age_seconds)
        if (unseeded := self._find_unseeded()) is not None:
            yield GaugeMetricFamily(
                "seed_missing_categories",
                "Categories that have a source and were never seeded.",
                len(unseeded),
            )
        if holder.pages is not None:
            yield from _pages_metrics(holder.pages)


def _contact(source: Source, seconds: float) -> Metric:
    if source == "journal":
        return GaugeMetricFamily("journal_last_contact_seconds", "Since the journal was seen.", seconds)
    return GaugeMetricFamily("primary_last_contact_seconds", "Since the PRIMARY was seen.", seconds)


def _pages_metrics(pages: Pages) -> Iterator[Metric]:
    yield GaugeMetricFamily("catalogue_revision", "The revision that is being served.", pages.revision)
    yield GaugeMetricFamily("journal_sequence", "The journal entry that made it.", pages.sequence)
    models = GaugeMetricFamily("catalogue_models", "Models that are being served.", labels=["category"])
    rejected = GaugeMetricFamily(
        "catalogue_rejected_records", "Records of the source that v2 leaves out.", labels=["category"]
    )
    for name, category in pages.categories.items():
        models.add_metric([name], len(category.models))
        rejected.add_metric([name], len(pages.side_data.rejected.get(name, ())))
    yield models
    yield rejected

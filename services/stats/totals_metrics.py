"""Metrics of the figures: the totals of each category."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from horde_model_reference.integrations.horde_merge import CategoryFigures
from stats.history.totals import totals_of

PERIODS: Final = ("day", "month", "total")


class TotalsMetrics(Collector):
    """Threads, workers and usage of all models, and what belongs to none, read when asked for.

    `find_figures` returns the figures that are being served, by category; of what the AI-Horde did not tell
    there is no sample.
    """

    def __init__(self, find_figures: Callable[[], Mapping[str, CategoryFigures]]) -> None:
        self._find_figures = find_figures

    def describe(self) -> list[Metric]:
        """Name nothing in advance: before the first figures there is nothing to say."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the totals of the figures that are being served."""
        threads = _gauge(
            "horde_threads", "Threads of workers, once for each model that they serve.", "category"
        )
        workers = _gauge(
            "horde_workers", "Different workers at work for models of the reference.", "category"
        )
        usage = _gauge(
            "horde_usage", "Uses of models in the last day, month, and ever.", "category", "period"
        )
        names = _gauge(
            "horde_unattributed_names", "Names of the AI-Horde that belong to no model.", "category"
        )
        strange_threads = _gauge(
            "horde_unattributed_threads", "Threads of workers under such names.", "category"
        )
        strange_usage = _gauge("horde_unattributed_usage", "Uses under such names.", "category", "period")
        for category, figures in self._find_figures().items():
            totals, rest = totals_of(figures), figures.unattributed
            names.add_metric([category], len(rest.names))
            if totals.thread_count is not None:
                threads.add_metric([category], totals.thread_count)
                strange_threads.add_metric([category], rest.thread_count)
            if totals.worker_count is not None:
                workers.add_metric([category], totals.worker_count)
            for period in PERIODS if totals.usage is not None else ():
                usage.add_metric([category, period], getattr(totals.usage, period))
                strange_usage.add_metric([category, period], getattr(rest.usage, period))
        yield from (threads, workers, usage, names, strange_threads, strange_usage)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)

"""Metrics of the history and of the live feed."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from read_api.holder import PageHolder
from read_api.live.feed import LiveFeed


class HistoryMetrics(Collector):
    """Open streams, listeners that were cut off, and what the archive holds, read when asked for."""

    def __init__(self, holder: PageHolder, feed: LiveFeed) -> None:
        self._holder = holder
        self._feed = feed

    def describe(self) -> list[Metric]:
        """Name nothing in advance: before the first pages there is no archive."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures."""
        yield GaugeMetricFamily("live_feed_clients", "Open connections to the live feed.", self._feed.streams)
        yield CounterMetricFamily(
            "live_feed_cut_off", "Listeners that were cut off since they read too slowly.", self._feed.cut_off
        )
        if not self._holder.has_archive:
            return
        lookups = CounterMetricFamily(
            "history_cache", "Things of former revisions that were asked for.", labels=["kind", "outcome"]
        )
        held = GaugeMetricFamily("history_cache_bytes", "Memory that former revisions take.", labels=["kind"])
        for kind, cache in self._holder.archive().caches().items():
            lookups.add_metric([kind, "hit"], cache.hits)
            lookups.add_metric([kind, "miss"], cache.misses)
            held.add_metric([kind], cache.held_bytes)
        yield lookups
        yield held

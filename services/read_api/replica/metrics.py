"""Metrics of a replica."""

from collections.abc import Iterator
from typing import Final, get_args

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from read_api.replica.copies import Origin
from read_api.replica.feed import PrimaryFeed
from read_api.replica.source import ReplicaSource

ORIGINS: Final[tuple[Origin, ...]] = get_args(Origin)


class ReplicaMetrics(Collector):
    """Where the catalogue is from, and whether news come at once, read when asked for."""

    def __init__(self, source: ReplicaSource, feed: PrimaryFeed | None) -> None:
        self._source = source
        self._feed = feed

    def describe(self) -> list[Metric]:
        """Name nothing in advance."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures."""
        attached = self._feed is not None and self._feed.attached
        yield GaugeMetricFamily(
            "replica_feed_attached", "1 while the live feed of the PRIMARY is heard.", attached
        )
        origins = GaugeMetricFamily(
            "replica_origin", "1 for the kind of source that the catalogue is from.", labels=["origin"]
        )
        copy = self._source.copy
        for origin in ORIGINS:
            origins.add_metric([origin], copy is not None and copy.origin == origin)
        yield origins

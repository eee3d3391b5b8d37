"""Metrics of the results."""

import time
from collections.abc import Iterator

from prometheus_client import Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service_kit.telemetry import CALL_SECONDS, Telemetry
from stats.engine import StatsEngine
from stats.results import Results


class BuildMetrics:
    """How long building takes, slices and the pauses between them included."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._seconds = Histogram(
            "stats_build_seconds",
            "Building the results, from start to end.",
            registry=telemetry.registry,
            buckets=CALL_SECONDS,
        )

    def note(self, seconds: float) -> None:
        """Count one build."""
        self._seconds.observe(seconds)


class ResultMetrics(Collector):
    """What is being served, read when asked for."""

    def __init__(self, engine: StatsEngine) -> None:
        self._engine = engine

    def describe(self) -> list[Metric]:
        """Name nothing in advance: without results there is nothing to say."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of the results that are being served."""
        engine = self._engine
        yield GaugeMetricFamily("stats_stale", "1 while newer revisions may exist unseen.", engine.stale)
        if engine.results is not None:
            yield from _result_metrics(engine.results)


def _result_metrics(results: Results) -> Iterator[Metric]:
    yield GaugeMetricFamily("stats_revision", "The revision that is being served.", results.revision)
    models = GaugeMetricFamily("stats_models", "Models that are counted.", labels=["category"])
    age = GaugeMetricFamily(
        "stats_results_age_seconds",
        "Since the live figures in the results were published.",
        labels=["category"],
    )
    for category, found in results.categories.items():
        models.add_metric([category], len(found.source.records))
        if found.live is not None:
            age.add_metric([category], max(0.0, time.time() - found.live.tables.snapshot.published_at))
    yield models
    yield age

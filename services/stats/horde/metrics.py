"""What monitoring sees of the AI-Horde."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stats.domain.runtime import Source
from stats.horde.figures import Figures
from stats.horde.instance import Instance
from stats.horde.timing import Timing


class HordeGauges(Collector):
    """What the instance has of the AI-Horde at the moment of asking."""

    def __init__(self, figures: Figures, instance: Instance, timing: Timing) -> None:
        self._figures = figures
        self._instance = instance
        self._timing = timing

    def collect(self) -> Iterator[Metric]:
        """Render for the library; a source that never answered has no age."""
        labels = ["kind", "source"]
        age = GaugeMetricFamily(
            "horde_figures_age_seconds", "Since the figures were received.", labels=labels
        )
        stale = GaugeMetricFamily(
            "horde_figures_stale", "1 while newer figures should be there.", labels=labels
        )
        missing = GaugeMetricFamily("horde_figures_missing", "1 until figures were received.", labels=labels)
        skipped = GaugeMetricFamily(
            "horde_entries_skipped", "Entries of the last answer that could not be read.", labels=labels
        )
        for kind, snapshot in self._figures.shown.items():
            for source, received in zip(
                Source, (snapshot.status, snapshot.usage, snapshot.workers), strict=True
            ):
                of = [kind.value, source.value]
                missing.add_metric(of, float(received is None))
                if received is not None:
                    age.add_metric(of, max(self._timing.wall() - received.fetched_at, 0.0))
                    stale.add_metric(of, float(received.stale))
                    skipped.add_metric(of, float(received.skipped))
        yield from (age, stale, missing, skipped)
        yield from self._of_the_whole()

    def _of_the_whole(self) -> Iterator[Metric]:
        state = self._instance.state
        yield GaugeMetricFamily(
            "horde_consecutive_failures", "Failed calls in a row.", value=state.consecutive_failures
        )
        yield GaugeMetricFamily(
            "horde_breaker_open", "1 while the AI-Horde is left alone after failures.", value=state.degraded
        )
        yield GaugeMetricFamily(
            "horde_refresher", "1 on the instance that asks for all.", value=self._instance.is_leader
        )

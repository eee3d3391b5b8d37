"""Metrics of the history."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stats.history.reader import HistoryReader
from stats.history.recorder import HistoryRecorder


class HistoryMetrics(Collector):
    """What was written and what waits, read when asked for."""

    def __init__(self, recorder: HistoryRecorder, reader: HistoryReader) -> None:
        self._recorder = recorder
        self._reader = reader

    def collect(self) -> Iterator[Metric]:
        """Yield the figures."""
        recorder = self._recorder
        yield GaugeMetricFamily(
            "history_pieces_waiting", "Hours that are over and not stored yet.", recorder.hours_waiting
        )
        yield CounterMetricFamily(
            "history_pieces_written", "Hours stored, one object each.", recorder.hours_written
        )
        yield CounterMetricFamily(
            "history_pieces_lost", "Hours given up since the store was away too long.", recorder.hours_lost
        )
        yield CounterMetricFamily(
            "history_compactions", "Days whose hours became one object.", recorder.days_compacted
        )
        yield CounterMetricFamily(
            "history_failures", "Attempts to write that have to be repeated.", recorder.failures
        )
        yield CounterMetricFamily(
            "history_objects_unreadable", "Readings of damaged objects.", self._reader.unreadable
        )

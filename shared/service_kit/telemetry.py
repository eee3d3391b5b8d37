"""Metrics of one application, in a registry of its own, so that two in one process do not mix."""

import asyncio
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from service_kit.machine_metrics import MachineMetrics
from service_kit.product_version import PRODUCT_VERSION

REQUEST_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
LAG_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0)
CALL_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)


class RequestSeries:
    """How many requests of one kind there were and how long they took.

    Plain numbers instead of the library's children: those take a lock per number, while requests are
    observed on the event loop only, and an observation has to cost next to nothing.
    """

    __slots__ = ("buckets", "sum_seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(REQUEST_SECONDS) + 1)
        self.sum_seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Count one request."""
        self.buckets[bisect_left(REQUEST_SECONDS, seconds)] += 1
        self.sum_seconds += seconds


class RequestMetrics(Collector):
    """The histogram `http_request_duration_seconds` by method, route template and status."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._series: dict[tuple[str, str, str], RequestSeries] = {}

    def series(self, method: str, route: str, status: int) -> RequestSeries:
        """Return the series of these labels; keep it, so that the next observation needs no look-up."""
        return self._series.setdefault((method, route, str(status)), RequestSeries())

    def collect(self) -> Iterator[Metric]:
        """Render for the library; its `_count` is the number of requests."""
        family = HistogramMetricFamily(
            "http_request_duration_seconds",
            "Requests answered, and the seconds until their last byte was handed over.",
            labels=["service", "method", "route", "status"],
        )
        for labels, series in self._series.items():
            family.add_metric([self._service, *labels], _cumulative(series.buckets), series.sum_seconds)
        yield family


def _cumulative(buckets: Iterable[int]) -> list[tuple[str, float]]:
    total = 0
    rendered: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, REQUEST_SECONDS), "+Inf"), buckets, strict=True):
        total += count
        rendered.append((bound, total))
    return rendered


class Telemetry:
    """All metrics of one application. `service` is the label that tells the services apart."""

    def __init__(self, service: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a series more for each other one
        self.service = service
        self.registry = CollectorRegistry()
        self.machine = MachineMetrics()
        self.requests = RequestMetrics(service)
        self.registry.register(self.requests)
        build = self._gauge("build_info", "1, labelled with what runs.", "service", "version")
        build.labels(service, PRODUCT_VERSION).set(1)
        self.loop_lag = self._histogram(
            "event_loop_lag_seconds", "How much too late a timer fired, twice a second.", buckets=LAG_SECONDS
        )
        self.revision_lag = self._histogram(
            "revision_lag_seconds",
            "From the commit of a revision until it was served by a part of the instance.",
            "part",
            buckets=LAG_SECONDS,
        )
        self.log_lines_dropped = self._counter(
            "access_log_lines_dropped_total", "Access log lines lost because the output did not take them."
        )
        self.store_calls = self._histogram(
            "object_store_call_seconds", "Calls to the object store.", "operation", "outcome"
        )
        self.cache_calls = self._histogram(
            "cache_call_seconds", "Calls to the shared cache.", "operation", "outcome"
        )
        self._answers = self._counter(
            "answer_cache_lookups_total", "Answers to queries that were looked for in memory.", "outcome"
        )
        self.cache_keys = self._counter("cache_keys_total", "Keys looked up in the cache.", "outcome")
        self.retries = self._counter("retries_total", "Repeated calls to a neighbour.", "neighbour")
        self.events_published = self._counter(
            "events_published_total", "Events to the bus, by how it ended.", "routing_key", "outcome"
        )
        self.event_publish_seconds = self._histogram(
            "event_publish_seconds", "From the publishing of an event until the bus has it."
        )
        self.events_received = self._counter(
            "events_received_total", "Events from the bus, by how it ended.", "subscription", "outcome"
        )
        self.event_lag = self._histogram(
            "event_lag_seconds",
            "From what an event tells of until it was first handed over.",
            "subscription",
            buckets=LAG_SECONDS,
        )
        self.dead_letters = self._counter(
            "dead_letters_total", "Events of a work queue that were given up.", "queue"
        )
        self.events_waiting = self._gauge("events_waiting", "Events that the bus does not have yet.")
        self.event_bus_attached = self._gauge(
            "event_bus_attached", "1 while the bus can be reached.", "session"
        )
        self.key_checks = self._counter(
            "key_checks_total", "API keys that were checked, by what decided.", "outcome"
        )
        self.key_check_calls = self._histogram(
            "key_check_call_seconds", "Calls to the AI-Horde for a key's user.", "operation", "outcome"
        )
        self.requests_limited = self._counter(
            "requests_limited_total", "Requests refused because a limit was used up.", "limit"
        )
        self.rate_limit_calls = self._histogram(
            "rate_limit_call_seconds", "Calls to the shared rate limits.", "operation", "outcome"
        )
        self.slow_connections_closed = self._counter(
            "slow_connections_closed_total", "Connections closed because the client was too slow.", "reason"
        )

    def count_cache_keys(self, values: Sequence[bytes | None]) -> None:
        """Count what the cache was asked for: a value is a hit, None a miss."""
        misses = values.count(None)
        self.cache_keys.labels("hit").inc(len(values) - misses)
        self.cache_keys.labels("miss").inc(misses)

    def count_answer(self, *, hit: bool) -> None:
        """Count a query, whose answer was or was not held in memory."""
        self._answers.labels("hit" if hit else "miss").inc()

    def render(self) -> bytes:
        """Return what the application counts itself in the text format of Prometheus."""
        return generate_latest(self.registry)

    async def render_all(self) -> bytes:
        """Return everything, what has to be read from the operating system included."""
        machine = await asyncio.to_thread(self.machine.render)
        return self.render() + machine

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, *labels: str, buckets: Sequence[float] = CALL_SECONDS
    ) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)

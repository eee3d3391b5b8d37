"""Metrics of the gateway."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.status_socket import NginxNumbers
from service_kit.telemetry import CALL_SECONDS, Telemetry

CONNECTION_STATES: Final = ("reading", "writing", "waiting")


class GatewayMetrics:
    """What the supervisor counts; the numbers of nginx itself are in `NginxCollector`."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self.upstream_addresses = Gauge(
            "gateway_upstream_addresses",
            "Addresses that requests for a kind of service are sent to.",
            ["upstream"],
            registry=registry,
        )
        self.lookups = Histogram(
            "gateway_lookup_seconds",
            "Look-ups of names of services, by how they ended.",
            ["outcome"],
            registry=registry,
            buckets=CALL_SECONDS,
        )
        self.reloads = Counter(
            "gateway_reloads_total",
            "New configurations given to a running nginx, by how it ended.",
            ["stage", "outcome"],
            registry=registry,
        )
        self.last_reload_succeeded = Gauge(
            "gateway_last_reload_succeeded",
            "1 while nginx runs with the configuration that it was given last.",
            ["stage"],
            registry=registry,
        )
        self.last_reload_time = Gauge(
            "gateway_last_reload_timestamp_seconds",
            "When nginx took a configuration last.",
            ["stage"],
            registry=registry,
        )
        self.restarts = Counter(
            "gateway_nginx_restarts_total",
            "Starts of nginx because it had ended by itself.",
            ["stage"],
            registry=registry,
        )
        self.up = Gauge("gateway_nginx_up", "1 while nginx runs.", ["stage"], registry=registry)
        self.server_errors = Counter(
            "gateway_server_errors_total",
            "Answers 500 and above to clients, by status and way to the services.",
            ["status", "way"],
            registry=registry,
        )
        self.certificate_expiry = Gauge(
            "gateway_certificate_expiry_timestamp_seconds",
            "When the certificate ends; 0 without TLS.",
            registry=registry,
        )
        self.numbers = NginxCollector()
        registry.register(self.numbers)


class NginxCollector(Collector):
    """What the front door's nginx counts itself, as it said last; it begins anew when nginx does."""

    def __init__(self) -> None:
        self.last: NginxNumbers | None = None

    def collect(self) -> Iterator[Metric]:
        """Render for the library; nothing until nginx was asked."""
        if (last := self.last) is None:
            return
        states = GaugeMetricFamily("gateway_connections", "Connections of clients.", labels=["state"])
        for state in CONNECTION_STATES:
            states.add_metric([state], getattr(last, state))
        yield states
        yield CounterMetricFamily(
            "gateway_connections_accepted", "Connections taken from clients.", last.accepted
        )
        yield CounterMetricFamily(
            "gateway_connections_handled", "Connections that there was room for.", last.handled
        )
        yield CounterMetricFamily("gateway_requests", "Requests of clients.", last.requests)

"""Metrics of one application: right numbers, in the text format of Prometheus, cheap."""

import timeit

from prometheus_client.parser import text_string_to_metric_families

from service_kit.telemetry import REQUEST_SECONDS, Telemetry


def samples(telemetry: Telemetry, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(telemetry.render().decode())
        for sample in family.samples
        if sample.name == name
    }


def test_requests_are_counted_by_method_route_and_status() -> None:
    telemetry = Telemetry("read-api")
    telemetry.requests.series("GET", "/api/x", 200).observe(0.01)
    telemetry.requests.series("GET", "/api/x", 200).observe(0.01)
    telemetry.requests.series("GET", "/api/x", 404).observe(0.01)
    counts = samples(telemetry, "http_request_duration_seconds_count")
    labels = [("method", "GET"), ("route", "/api/x"), ("service", "read-api")]
    assert counts == {(*labels, ("status", "200")): 2.0, (*labels, ("status", "404")): 1.0}


def test_histogram_is_cumulative_and_ends_at_the_count() -> None:
    telemetry = Telemetry("t")
    series = telemetry.requests.series("GET", "/", 200)
    for seconds in (0.0001, 0.0005, 0.02, 99.0):
        series.observe(seconds)
    buckets = {
        dict(labels)["le"]: value
        for labels, value in samples(telemetry, "http_request_duration_seconds_bucket").items()
    }
    assert buckets["0.0005"] == 2  # a bound belongs to its bucket
    assert buckets["0.025"] == 3
    assert buckets["+Inf"] == 4
    assert len(buckets) == len(REQUEST_SECONDS) + 1


def test_two_applications_do_not_see_each_other() -> None:
    one, other = Telemetry("one"), Telemetry("other")
    one.requests.series("GET", "/", 200).observe(1)
    assert samples(other, "http_request_duration_seconds_count") == {}


def test_hits_and_misses_of_the_cache_are_counted() -> None:
    telemetry = Telemetry("t")
    telemetry.count_cache_keys([b"a", None, None])
    assert samples(telemetry, "cache_keys_total") == {
        (("outcome", "hit"),): 1.0,
        (("outcome", "miss"),): 2.0,
    }


def test_observation_costs_less_than_two_microseconds() -> None:
    series = Telemetry("t").requests.series("GET", "/", 200)
    best_seconds = min(timeit.repeat(lambda: series.observe(0.003), number=20_000, repeat=5))
    assert best_seconds / 20_000 < 2e-6

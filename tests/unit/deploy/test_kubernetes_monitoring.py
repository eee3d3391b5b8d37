"""Under Kubernetes the same is scraped as in the containers, under the names that the alert rules ask for."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from support.kustomized import MONITORED, Manifest, of_kind, pods
from support.monitoring_files import PROMETHEUS, read_yaml
from support.network_policies import lets_in, selects

Made = dict[str, list[Manifest]]

OF_PROMETHEUS = {"prometheus", "alertmanager"}
OPERATORS_LABELS = {
    "app.kubernetes.io/name": "broker",
    "app.kubernetes.io/component": "rabbitmq",
    "app.kubernetes.io/part-of": "rabbitmq",
}
OPERATORS_PORTS = {"amqp": 5672, "management": 15672, "prometheus": 15692}
"""Of the pods that the RabbitMQ cluster operator makes of the RabbitmqCluster `broker`."""


class Scraped(NamedTuple):
    """What is asked of one kind of pod."""

    job: str
    port: int
    path: str
    families: tuple[str, ...]


class Target(NamedTuple):
    """A kind of pod."""

    labels: dict[str, str]
    ports: dict[str, int]


def targets(found: list[Manifest]) -> list[Target]:
    operators = [Target(OPERATORS_LABELS, OPERATORS_PORTS) for _ in of_kind(found, "RabbitmqCluster")]
    return [Target(pod.labels, pod.ports) for pod in pods(found)] + operators


def scraped_services(found: list[Manifest]) -> Iterator[tuple[Target, Scraped]]:
    for _, monitor in of_kind(found, "ServiceMonitor"):
        for manifest in found:
            labels = manifest["metadata"].get("labels", {})
            if manifest["kind"] != "Service" or not selects(monitor["selector"], labels):
                continue
            (target,) = [
                one
                for one in targets(found)
                if selects({"matchLabels": manifest["spec"]["selector"]}, one.labels)
            ]
            ports = {port["name"]: port["targetPort"] for port in manifest["spec"]["ports"]}
            for endpoint in monitor["endpoints"]:
                port = target.ports[ports[endpoint["port"]]]
                yield target, Scraped(labels[monitor["jobLabel"]], port, endpoint["path"], ())


def scraped_pods(found: list[Manifest]) -> Iterator[tuple[Target, Scraped]]:
    for _, monitor in of_kind(found, "PodMonitor"):
        for target in targets(found):
            if not selects(monitor["selector"], target.labels):
                continue
            for endpoint in monitor["podMetricsEndpoints"]:
                (relabeling,) = endpoint["relabelings"]
                assert relabeling["targetLabel"] == "job"
                families = tuple(endpoint.get("params", {}).get("family", ()))
                port = target.ports[endpoint["port"]]
                yield target, Scraped(relabeling["replacement"], port, endpoint["path"], families)


def scraped(found: list[Manifest]) -> list[tuple[Target, Scraped]]:
    return [*scraped_services(found), *scraped_pods(found)]


def scraped_from_containers() -> set[Scraped]:
    return {
        Scraped(
            job["job_name"],
            job["dns_sd_configs"][0]["port"],
            job.get("metrics_path", "/metrics"),
            tuple(job.get("params", {}).get("family", ())),
        )
        for job in read_yaml(PROMETHEUS / "prometheus.yml")["scrape_configs"]
        if job["job_name"] not in OF_PROMETHEUS
    }


@pytest.mark.parametrize(("overlay", "elsewhere"), [("production", "seaweedfs"), (MONITORED, "sync-worker")])
def test_everything_is_scraped_as_in_the_containers(made: Made, overlay: str, elsewhere: str) -> None:
    expected = {one for one in scraped_from_containers() if one.job != elsewhere}
    found = [one for _, one in scraped(made[overlay])]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("overlay", ["production", MONITORED])
def test_prometheus_may_reach_what_it_scrapes(made: Made, overlay: str) -> None:
    policies = [policy for _, policy in of_kind(made[overlay], "NetworkPolicy")]
    found = scraped(made[overlay])
    assert found
    assert [
        one for target, one in found if not lets_in(policies, "monitoring", target.labels, one.port)
    ] == []


def test_without_the_component_nothing_of_the_prometheus_operator_is_needed(made: Made) -> None:
    kinds = {manifest["kind"] for manifest in made["single-node"]}
    assert kinds & {"ServiceMonitor", "PodMonitor", "PrometheusRule"} == set()

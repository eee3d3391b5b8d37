"""Prometheus as compose runs it finds every instance, and the servers have the metrics that rules ask for."""

import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

import pytest

from support.docker_images import SERVICES_IMAGE, Docker
from support.metric_catalogue import sample_names
from support.monitoring_files import OTHERS, PROMETHEUS, recorded
from support.servers import missing

PROMETHEUS_IMAGE = "prom/prometheus:v3.5.0"
RABBIT_IMAGE = "rabbitmq:4-management"
SEAWEED_IMAGE = "chrislusf/seaweedfs:4.48"
SEAWEED = (
    "server",
    "-dir=/data",
    "-ip=127.0.0.1",
    "-ip.bind=0.0.0.0",
    "-master.telemetry=false",
    "-filer",
    "-s3",
)
SEAWEED_METRICS = ("-metricsPort=9324", "-metricsIp=0.0.0.0")
PATIENCE_SECONDS = 90.0


class Network:
    """Containers that find each other by name. Ports are published on the loopback address."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self.name = f"monitoring-test-{uuid.uuid4().hex}"
        self._containers: list[str] = []
        docker.call("network", "create", self.name)

    def run(self, alias: str, image: str, *command: str, port: int, options: Sequence[str] = ()) -> int:
        """Start a container under a name, and return where one of its ports can be reached."""
        if self._docker.attempt("image", "inspect", image).returncode:
            missing(f"the image {image}")
        given = ("--network", self.name, "--network-alias", alias, "--publish", f"127.0.0.1::{port}")
        container = self._docker.call("run", "--detach", *given, *options, image, *command)
        self._containers.append(container)
        return int(self._docker.call("port", container, f"{port}/tcp").splitlines()[0].rsplit(":", 1)[1])

    def remove(self) -> None:
        for container in self._containers:
            self._docker.attempt("rm", "--force", "--volumes", container)
        self._docker.attempt("network", "rm", self.name)


@pytest.fixture
def network(engine: dict[str, str]) -> Iterator[Network]:
    network = Network(Docker(engine))
    yield network
    network.remove()


def get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def until(find: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, found
        time.sleep(0.3)


def names_in(text: str) -> set[str]:
    return {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def described_in(text: str) -> set[str]:
    return {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")}


def test_rabbitmq_has_the_metrics_that_rules_and_boards_ask_for(network: Network) -> None:
    port = network.run("rabbitmq", RABBIT_IMAGE, port=15692)
    detailed = "/metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count"
    wanted = {name for name in OTHERS if name.startswith("rabbitmq")} - {"rabbitmq_detailed_queue_messages"}
    until(lambda: wanted <= names_in(get(port, "/metrics")))
    assert "rabbitmq_detailed_queue_messages" in described_in(get(port, detailed))


def test_seaweedfs_has_the_metrics_that_rules_and_boards_ask_for(network: Network) -> None:
    port = network.run("seaweedfs", SEAWEED_IMAGE, *SEAWEED, *SEAWEED_METRICS, port=9324)
    wanted = {name for name in OTHERS if name.startswith("SeaweedFS")}
    until(lambda: wanted <= names_in(get(port, "/metrics")))


@pytest.mark.long
def test_every_replica_is_found_by_the_name_of_its_service(network: Network, services_image: str) -> None:
    assert services_image == SERVICES_IMAGE
    settings = (
        *("--env", "HORDE_MODEL_REFERENCE_GITHUB_SEED_ENABLED=false"),
        *("--env", "HORDE_MODEL_REFERENCE_AI_HORDE_URL=http://127.0.0.1:1/api/"),
    )
    for _ in range(2):
        network.run("read-api", services_image, "serve", port=19800, options=settings)
    files = ("--volume", f"{PROMETHEUS}:/etc/prometheus:ro")
    port = network.run(
        "prometheus",
        PROMETHEUS_IMAGE,
        "--config.file=/etc/prometheus/prometheus.yml",
        "--storage.tsdb.path=/prometheus",
        port=9090,
        options=files,
    )

    def answering(job: str) -> int:
        query = quote(f'up{{job="{job}"}} == 1')
        body = get(port, f"/api/v1/query?query={query}")
        return len(json.loads(body)["data"]["result"]) if body.startswith("{") else 0

    until(lambda: answering("read-api") == 2)
    assert answering("write-queue") == 0
    known = set(json.loads(get(port, "/api/v1/label/__name__/values"))["data"])
    assert "catalogue_revision" in known & sample_names()
    groups = json.loads(get(port, "/api/v1/rules"))["data"]["groups"]
    assert recorded() <= {rule["name"] for group in groups for rule in group["rules"]}

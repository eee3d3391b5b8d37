"""The Kubernetes manifests fit the code, and each other."""

import re
from pathlib import Path

import pytest
import yaml

from gateway.settings import GatewaySettings
from standalone.cli import COMMANDS
from standalone.settings import StandaloneSettings
from support.env_example import variables
from support.kustomized import (
    FOLDER,
    OVERLAYS,
    KustomizeMissing,
    Manifest,
    of_kind,
    overlays,
    pods,
    settings_of,
)
from support.network_policies import may_send
from support.reference_data import REPOSITORY
from support.servers import missing
from sync_worker.settings import SyncWorkerSettings

Made = dict[str, list[Manifest]]

SETTINGS = (StandaloneSettings, GatewaySettings, SyncWorkerSettings)
OURS = {"gateway", "read-api", "write-queue", "stats", "sync-worker", "init", "backup", "cli"}
SERVERS = {"store": ("seaweedfs", 8333), "broker": ("rabbitmq", 5672), "cache": ("redis", 6379)}
CONFINED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
NAME = "app.kubernetes.io/name"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_exists_in_the_code(made: Made, overlay: str) -> None:
    known = {variable.name for model in SETTINGS for variable in variables(model)}
    assert {name.removesuffix("_FILE") for name in settings_of(made[overlay])} - known == set()


@pytest.mark.parametrize("overlay", ["single-node", "production"])
def test_every_setting_of_an_overlay_is_in_force(made: Made, overlay: str) -> None:
    text = (FOLDER / "overlays" / overlay / "settings.env").read_text(encoding="utf-8")
    said = dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert said
    assert said.items() <= settings_of(made[overlay]).items()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_command_exists_and_every_pod_is_ours_or_a_neighbour(made: Made, overlay: str) -> None:
    found = {pod.name: pod for pod in pods(made[overlay])}
    is_production = overlay == "production"
    neighbours = set() if is_production else {name for name, _ in SERVERS.values()}
    assert set(found) == (OURS if is_production else OURS - {"sync-worker"}) | neighbours
    assert {name for name, pod in found.items() if pod.is_ours} == set(found) - neighbours
    for name in {"read-api", "write-queue", "stats", "sync-worker", "init"} & set(found):
        assert found[name].container["args"][0] in COMMANDS
    assert "args" not in found["gateway"].container


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_has_an_image_of_this_version(made: Made, overlay: str) -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    (version,) = re.findall(r'^version = "(.+)"$', text, re.MULTILINE)
    where = "registry.example.org/" if overlay == "production" else ""
    for pod in pods(made[overlay]):
        if pod.is_ours:
            image = "horde-model-reference" + ("-gateway" if pod.name == "gateway" else "")
            assert pod.container["image"] == f"{where}{image}:{version}", pod.name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_keeps_to_the_restricted_profile(made: Made, overlay: str) -> None:
    for pod in pods(made[overlay]):
        name, only = pod.name, pod.container
        assert pod.spec["securityContext"]["runAsNonRoot"] is True, name
        assert pod.spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod.spec["automountServiceAccountToken"] is False, name
        assert only["securityContext"] == CONFINED | {"readOnlyRootFilesystem": True}, name
        assert only["resources"]["limits"]["memory"], name


def test_pods_of_the_rabbitmq_operator_keep_to_the_restricted_profile(made: Made) -> None:
    (cluster,) = dict(of_kind(made["production"], "RabbitmqCluster")).values()
    pod = cluster["override"]["statefulSet"]["spec"]["template"]["spec"]
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 999,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert pod["initContainers"] == [{"name": "setup-container", "securityContext": CONFINED}]
    assert pod["containers"] == [{"name": "rabbitmq", "securityContext": CONFINED}]


def test_cookie_of_rabbitmq_does_not_lie_on_a_volume_whose_modes_are_changed(made: Made) -> None:
    (pod,) = [pod for pod in pods(made["single-node"]) if pod.name == "rabbitmq"]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod.container["volumeMounts"]}
    emptied = {volume["name"] for volume in pod.spec["volumes"] if "emptyDir" in volume}
    assert mounts["data"] == "/var/lib/rabbitmq/mnesia"
    assert "/var/lib/rabbitmq" in {mounts[name] for name in emptied}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_port_and_label_that_is_named_exists(made: Made, overlay: str) -> None:
    found = made[overlay]
    labelled = {pod.labels[NAME]: pod for pod in pods(found)}
    for name, service in of_kind(found, "Service"):
        target = labelled[service["selector"][NAME]]
        assert {port["targetPort"] for port in service["ports"]} <= set(target.ports), name
    for name, scaler in of_kind(found, "HorizontalPodAutoscaler"):
        deployments = dict(of_kind(found, "Deployment"))
        assert "replicas" not in deployments[scaler["scaleTargetRef"]["name"]], name
    for pod in labelled.values():
        probed = {
            probe.get(way, {}).get("port")
            for probe in (
                pod.container.get(f"{kind}Probe", {}) for kind in ("startup", "liveness", "readiness")
            )
            for way in ("httpGet", "tcpSocket")
        }
        assert probed - {None} <= set(pod.ports), pod.name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_node_can_always_be_emptied(made: Made, overlay: str) -> None:
    budgets = dict(of_kind(made[overlay], "PodDisruptionBudget"))
    brokers = {"broker"} if overlay == "production" else set()
    assert set(budgets) == {"gateway", "read-api", "write-queue", "stats"} | brokers
    for name, budget in budgets.items():
        assert budget == {"maxUnavailable": 1, "selector": {"matchLabels": {NAME: name}}}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_is_reached_unless_a_policy_says_so(made: Made, overlay: str) -> None:
    policies = dict(of_kind(made[overlay], "NetworkPolicy"))
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    from_anywhere = {
        name: [port["port"] for rule in policy["ingress"] if "from" not in rule for port in rule["ports"]]
        for name, policy in policies.items()
        if "ingress" in policy
    }
    assert {name: ports for name, ports in from_anywhere.items() if ports} == {"gateway": [8080]}


@pytest.mark.parametrize(("use", "server"), SERVERS.items())
def test_a_server_is_reached_by_those_who_use_it_and_by_nobody_else(
    made: Made, use: str, server: tuple[str, int]
) -> None:
    name, port = server
    policies = [policy for _, policy in of_kind(made["single-node"], "NetworkPolicy")]
    found = list(pods(made["single-node"]))
    (target,) = [pod for pod in found if pod.name == name]
    reaching = {pod.name for pod in found if may_send(policies, pod.labels, target.labels, port)}
    assert reaching == {pod.name for pod in found if pod.labels.get(f"horde-model-reference/uses-{use}")}


def test_the_broker_is_reached_by_those_who_use_it_and_by_its_own_nodes(made: Made) -> None:
    policies = [policy for _, policy in of_kind(made["production"], "NetworkPolicy")]
    broker = {NAME: "broker"}
    reaching = {pod.name for pod in pods(made["production"]) if may_send(policies, pod.labels, broker, 5672)}
    assert reaching == {"read-api", "write-queue", "stats", "sync-worker"}
    assert may_send(policies, broker, broker, 25672)


def test_the_ingress_has_a_host_and_a_certificate_where_the_world_comes(made: Made) -> None:
    rule = {"host": "models.example.org"}
    ((_, production),) = of_kind(made["production"], "Ingress")
    ((_, single),) = of_kind(made["single-node"], "Ingress")
    assert production["tls"] == [{"hosts": [rule["host"]], "secretName": "horde-model-reference-tls"}]
    assert [one["host"] for one in production["rules"]] == [rule["host"]]
    assert "tls" not in single
    assert production["rules"] == [rule | one for one in single["rules"]]


def test_images_are_those_of_the_compose_file(made: Made) -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    theirs = {service["image"] for service in compose["services"].values()}
    neighbours = {pod.container["image"] for pod in pods(made["single-node"]) if not pod.is_ours}
    assert neighbours <= theirs


def test_secrets_are_for_the_owner_alone(tmp_path: Path) -> None:
    try:
        overlays(tmp_path)
    except KustomizeMissing as error:
        missing(str(error))
    folder = tmp_path / "deploy/kubernetes/overlays/single-node/secrets"
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o222 for path in written} == {0}
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}
    secret = (folder / "services/s3_secret_key").read_text()
    assert secret in (folder / "seaweedfs/s3.json").read_text()
    assert secret != (folder / "services/s3_access_key").read_text()

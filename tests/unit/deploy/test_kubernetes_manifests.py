"""The Kubernetes manifests fit the code, and each other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import GatewaySettings
from standalone.cli import COMMANDS
from standalone.settings import StandaloneSettings
from support.env_example import variables
from support.kustomized import OVERLAYS, KustomizeMissing, Manifest, manifests, overlays, pods
from support.reference_data import REPOSITORY
from support.servers import missing
from sync_worker.settings import SyncWorkerSettings

SETTINGS = (StandaloneSettings, GatewaySettings, SyncWorkerSettings)
SERVICES = {"gateway", "read-api", "write-queue", "stats", "sync-worker", "init"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Manifest]]:
    try:
        texts = overlays(tmp_path_factory.mktemp("kustomized"))
    except KustomizeMissing as error:
        missing(str(error))
    return {name: manifests(text) for name, text in texts.items()}


def of_kind(found: list[Manifest], kind: str) -> Iterator[tuple[str, Manifest]]:
    for manifest in found:
        if manifest["kind"] == kind:
            yield manifest["metadata"]["name"], manifest["spec"]


def container(pod: Manifest) -> dict[str, Any]:
    (only,) = pod["containers"]
    return dict(only)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_exists_in_the_code(made: dict[str, list[Manifest]], overlay: str) -> None:
    (settings,) = [
        manifest["data"]
        for manifest in made[overlay]
        if manifest["kind"] == "ConfigMap" and manifest["metadata"]["name"].startswith("settings-")
    ]
    known = {variable.name for model in SETTINGS for variable in variables(model)}
    assert {name.removesuffix("_FILE") for name in settings} - known == set()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_command_exists_and_every_pod_is_ours_or_a_neighbour(
    made: dict[str, list[Manifest]], overlay: str
) -> None:
    found = dict(pods(made[overlay]))
    neighbours = {"seaweedfs", "rabbitmq", "redis"} if overlay == "single-node" else set()
    assert set(found) == (SERVICES if overlay == "production" else SERVICES - {"sync-worker"}) | neighbours
    for name in SERVICES & set(found):
        only = container(found[name])
        if name == "gateway":
            assert only["image"].startswith("horde-model-reference-gateway:")
            assert "args" not in only
        else:
            assert only["image"].startswith("horde-model-reference:")
            assert only["args"][0] in COMMANDS


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_secret_is_a_mounted_file(made: dict[str, list[Manifest]], overlay: str) -> None:
    (settings,) = [
        manifest["data"]
        for manifest in made[overlay]
        if manifest["kind"] == "ConfigMap" and manifest["metadata"]["name"].startswith("settings-")
    ]
    files = {name: path for name, path in settings.items() if name.endswith("_FILE")}
    assert not [name for name in settings if re.search("SECRET|TOKEN|PASSWORD", name) and name not in files]
    for name, pod in pods(made[overlay]):
        if name not in SERVICES - {"gateway", "init"}:
            continue
        mounts = {mount["mountPath"] for mount in container(pod)["volumeMounts"]}
        needed = {
            path.rpartition("/")[0]
            for variable, path in files.items()
            if name == "sync-worker" or "GITHUB" not in variable
        }
        assert needed <= mounts, name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_keeps_to_the_restricted_profile(made: dict[str, list[Manifest]], overlay: str) -> None:
    for name, pod in pods(made[overlay]):
        only = container(pod)
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert only["resources"]["limits"]["memory"], name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_port_and_label_that_is_named_exists(made: dict[str, list[Manifest]], overlay: str) -> None:
    found = made[overlay]
    labelled = {
        manifest["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]: manifest
        for manifest in found
        if "template" in manifest.get("spec", {})
    }
    for name, service in of_kind(found, "Service"):
        target = labelled[service["selector"]["app.kubernetes.io/name"]]
        ports = {port["name"] for port in container(target["spec"]["template"]["spec"])["ports"]}
        assert {port["targetPort"] for port in service["ports"]} <= ports, name
    for name, budget in of_kind(found, "PodDisruptionBudget"):
        assert budget["selector"]["matchLabels"]["app.kubernetes.io/name"] in labelled, name
    for name, scaler in of_kind(found, "HorizontalPodAutoscaler"):
        assert "replicas" not in labelled[scaler["scaleTargetRef"]["name"]]["spec"], name
    for name, pod in pods(found):
        only = container(pod)
        ports = {port["name"] for port in only.get("ports", [])}
        probed = {
            probe.get(way, {}).get("port")
            for probe in (only.get(f"{kind}Probe", {}) for kind in ("startup", "liveness", "readiness"))
            for way in ("httpGet", "tcpSocket")
        }
        assert probed - {None} <= ports, name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_is_reached_unless_a_policy_says_so(made: dict[str, list[Manifest]], overlay: str) -> None:
    policies = dict(of_kind(made[overlay], "NetworkPolicy"))
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    from_anywhere = {
        name: [port["port"] for rule in policy["ingress"] if "from" not in rule for port in rule["ports"]]
        for name, policy in policies.items()
        if "ingress" in policy
    }
    assert {name: ports for name, ports in from_anywhere.items() if ports} == {"gateway": [8080]}


def test_images_are_those_of_the_compose_file(made: dict[str, list[Manifest]]) -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    theirs = {service["image"] for service in compose["services"].values()}
    neighbours = {container(pod)["image"] for name, pod in pods(made["single-node"]) if name not in SERVICES}
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

"""The Kubernetes manifests as `kubectl apply -k` would send them."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from support.reference_data import REPOSITORY

DEPLOY: Final = REPOSITORY / "deploy"
FOLDER: Final = DEPLOY / "kubernetes"
MONITORED: Final = "single-node-monitored"
OVERLAYS: Final = ("single-node", "production", MONITORED)
"""Those of the folder, and what the README says about monitoring on one node."""
OUR_LABEL: Final = "horde-model-reference/pod"

Manifest = dict[str, Any]


class KustomizeMissing(Exception):
    """Neither kubectl nor kustomize is installed."""


@dataclass(frozen=True, slots=True)
class Pod:
    """What something makes pods of; each of ours has one container."""

    name: str
    labels: dict[str, str]
    spec: Manifest

    @property
    def container(self) -> Manifest:
        (only,) = self.spec["containers"]
        return dict(only)

    @property
    def is_ours(self) -> bool:
        return self.labels.get(OUR_LABEL) == "service"

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.container.get("ports", ())}


def kustomize(folder: Path) -> str:
    """Return what is made of a kustomization, as YAML. Raises `KustomizeMissing`."""
    if program := shutil.which("kustomize"):
        command = [program, "build", str(folder)]
    elif program := shutil.which("kubectl"):
        command = [program, "kustomize", str(folder)]
    else:
        raise KustomizeMissing("neither kustomize nor kubectl is installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout


def overlays(empty_folder: Path) -> dict[str, str]:
    """Return the text of every overlay, made in a copy that has secrets."""
    shutil.copytree(DEPLOY, empty_folder / "deploy", ignore=shutil.ignore_patterns("secrets", "own-secrets"))
    copy = empty_folder / "deploy" / "kubernetes" / "overlays"
    subprocess.run([copy / "single-node" / "make-secrets.sh"], check=True, capture_output=True)
    shutil.copytree(copy / "single-node", copy / MONITORED)
    with (copy / MONITORED / "kustomization.yaml").open("a", encoding="utf-8") as file:
        file.write("components: [../../components/monitoring]\n")
    return {name: kustomize(copy / name) for name in OVERLAYS}


def manifests(text: str) -> list[Manifest]:
    return [one for one in yaml.safe_load_all(text) if one]


def pods(found: list[Manifest]) -> Iterator[Pod]:
    """Yield everything that has pods, and a template for them here."""
    for manifest in found:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            labels = spec["template"]["metadata"]["labels"]
            yield Pod(manifest["metadata"]["name"], labels, spec["template"]["spec"])


def of_kind(found: list[Manifest], kind: str) -> Iterator[tuple[str, Manifest]]:
    """Yield name and specification of everything of a kind."""
    for manifest in found:
        if manifest["kind"] == kind:
            yield manifest["metadata"]["name"], manifest["spec"]


def settings_of(found: list[Manifest]) -> dict[str, str]:
    """Return the ConfigMap with the settings."""
    (settings,) = [
        manifest["data"]
        for manifest in found
        if manifest["kind"] == "ConfigMap" and manifest["metadata"]["name"].startswith("settings-")
    ]
    return dict(settings)

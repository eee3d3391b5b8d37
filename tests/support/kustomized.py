"""The Kubernetes manifests as `kubectl apply -k` would send them."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from support.reference_data import REPOSITORY

DEPLOY: Final = REPOSITORY / "deploy"
FOLDER: Final = DEPLOY / "kubernetes"
OVERLAYS: Final = ("single-node", "production")

Manifest = dict[str, Any]


class KustomizeMissing(Exception):
    """Neither kubectl nor kustomize is installed."""


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
    copy = empty_folder / "deploy" / "kubernetes"
    subprocess.run([copy / "overlays/single-node/make-secrets.sh"], check=True, capture_output=True)
    return {name: kustomize(copy / "overlays" / name) for name in OVERLAYS}


def manifests(text: str) -> list[Manifest]:
    return [one for one in yaml.safe_load_all(text) if one]


def pods(found: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield name and pod specification of everything that has pods."""
    for manifest in found:
        if "template" in manifest.get("spec", {}):
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]

"""What is built: the library with light needs, and the services without the library."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.reference_data import REPOSITORY


def build(folder: Path, target: Path) -> zipfile.ZipFile:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (wheel,) = target.glob("*.whl")
    return zipfile.ZipFile(wheel)


def metadata(wheel: zipfile.ZipFile) -> str:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return wheel.read(name).decode()


def packages(wheel: zipfile.ZipFile) -> set[str]:
    return {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" not in name}


def test_library_is_a_distribution_of_its_own_with_light_needs(tmp_path: Path) -> None:
    wheel = build(REPOSITORY / "shared", tmp_path)
    said = metadata(wheel).splitlines()
    assert packages(wheel) == {"horde_model_reference"}
    assert "horde_model_reference/py.typed" in wheel.namelist()
    assert "Name: horde-model-reference" in said
    assert "License-Expression: AGPL-3.0-or-later" in said
    needs = [line for line in said if line.startswith("Requires-Dist:")]
    always = {need.split()[1].split("<")[0].split(">")[0] for need in needs if "extra ==" not in need}
    assert always == {"aiohttp", "pydantic", "yarl"}


def test_services_are_a_distribution_without_the_library(tmp_path: Path) -> None:
    wheel = build(REPOSITORY, tmp_path)
    assert packages(wheel) == {
        "gateway",
        "read_api",
        "registry",
        "service_kit",
        "standalone",
        "stats",
        "sync_worker",
        "write_queue",
    }
    assert "standalone/sample/text/models.csv" in wheel.namelist()
    assert "read_api/openapi.json" in wheel.namelist()
    assert "gateway/nginx/front.conf.template" in wheel.namelist()
    assert "gateway/nginx/problem.conf" in wheel.namelist()
    assert "Requires-Dist: horde-model-reference" in metadata(wheel).splitlines()


@pytest.mark.parametrize("lock", ["services.lock", "dev.lock"])
def test_locked_requirements_are_pinned_by_hash_and_name_no_registry(lock: str) -> None:
    text = (REPOSITORY / "requirements" / lock).read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert pins
    assert all("==" in pin for pin in pins)
    assert "://" not in text
    assert text.count("--hash=sha256:") >= len(pins)

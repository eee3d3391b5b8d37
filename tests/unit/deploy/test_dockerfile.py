"""The Dockerfile follows the rules of hadolint, and its lock files belong to the others."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.docker_images import DOCKERFILE
from support.reference_data import REPOSITORY
from support.servers import missing

REQUIREMENTS = REPOSITORY / "requirements"


def locked(name: str) -> set[str]:
    """Return the versions of a lock file with their hashes."""
    text = (REQUIREMENTS / name).read_text().replace(" \\\n", "")
    return {" ".join(line.split()) for line in text.splitlines()}


def test_dockerfile_follows_the_rules_of_hadolint() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        missing("hadolint is not installed")
    done = subprocess.run(
        [hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout + done.stderr == ""


def test_wheels_are_built_with_what_development_uses() -> None:
    assert locked("build.lock") <= locked("dev.lock")
    assert any(line.startswith("hatchling==") for line in locked("build.lock"))


def test_files_of_the_image_may_be_sent_to_the_builder() -> None:
    allowed = [
        line.removeprefix("!").rstrip("/")
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    names = {name.rstrip("/") for line in copied for name in line.split()}
    assert names - set(allowed) == set()
    assert [name for name in allowed if not (REPOSITORY / name).exists()] == []


@pytest.mark.parametrize("forbidden", ["# syntax", "curl ", "ADD ", "sudo "])
def test_dockerfile_does_without(forbidden: str) -> None:
    assert forbidden not in DOCKERFILE.read_text()

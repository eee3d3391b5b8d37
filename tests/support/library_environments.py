"""Virtual environments that hold the library as its users install it: the wheel, and what it needs."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from support.reference_data import REPOSITORY

LIBRARY = "horde-model-reference"
LOCK = REPOSITORY / "requirements" / "dev.lock"
PATIENCE_SECONDS = 300


class EnvironmentFailed(RuntimeError):
    """The environment cannot be made here. The text says why."""


def build_wheel(target: Path) -> Path:
    """Build the wheel of the library into a folder. Needs no network."""
    _run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        folder=REPOSITORY / "shared",
    )
    (wheel,) = target.glob("*.whl")
    return wheel


def closed_environment(folder: Path, wheel: Path) -> Path:
    """Make an environment with nothing but the wheel and what it names, copied from this one.

    No network is needed. Returns the interpreter.
    """
    _run([sys.executable, "-m", "venv", str(folder)])
    python = interpreter_of(folder)
    (site,) = (folder / "lib").glob("python*/site-packages")
    for needed in _closure(_needs_of(wheel)):
        _copy(needed, site)
    _run([str(python), "-m", "pip", "install", "--quiet", "--no-index", str(wheel)])  # checks its needs, too
    return python


def fetched_environment(folder: Path, wheel: Path, base: str) -> Path:
    """Make an environment for another interpreter; pip gets the locked versions of what the wheel needs."""
    _run([base, "-m", "venv", str(folder)])
    python = interpreter_of(folder)
    pins = re.findall(r"^([\w.-]+==[^\s;]+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
    words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    _run([str(python), *words, "--constraint", str(constraints), str(wheel)])
    return python


def interpreter_of(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return folder / "bin" / "python"


def installed_in(python: Path) -> dict[str, str]:
    """Return what is installed for an interpreter, apart from what came with it: name to version."""
    words = [str(python), "-m", "pip", "list", "--disable-pip-version-check", "--format", "freeze"]
    listed = _run(words).splitlines()
    pairs = (line.split(" @ ")[0].split("==") for line in listed)
    return {pair[0].lower(): pair[-1] for pair in pairs if pair[0] not in {"pip", "setuptools"}}


def find_python(version: str) -> str | None:
    """Return a working interpreter of a version such as 3.12, if one is installed."""
    versions = Path.home() / ".pyenv" / "versions"
    candidates = [
        shutil.which(f"python{version}"),
        *sorted(map(str, versions.glob(f"{version}.*/bin/python"))),
    ]
    for candidate in filter(None, candidates):
        words = [candidate, "-c", "import sys, venv, ensurepip; print(sys.executable)"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    return None


def _needs_of(wheel: Path) -> list[str]:
    (found,) = Distribution.discover(path=[str(wheel)])
    return list(found.requires or [])


def _closure(needs: list[str]) -> list[Distribution]:
    """Return everything that these need here, without extras, each once."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(need) for need in needs]
    while waiting:
        need = waiting.pop()
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        if need.name.lower() in found:
            continue
        try:
            found[need.name.lower()] = one = distribution(need.name)
        except PackageNotFoundError as error:
            raise EnvironmentFailed(f"{need.name} is not installed") from error
        waiting += [Requirement(text) for text in one.requires or []]
    return list(found.values())


def _copy(installed: Distribution, site: Path) -> None:
    for file in installed.files or []:
        if file.parts[0] == ".." or file.suffix == ".pyc":
            continue
        target = site / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(str(installed.locate_file(file))), target)


def _run(words: list[str], folder: Path | None = None) -> str:
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise EnvironmentFailed(f"{' '.join(words[:5])} ...: {last}")
    return done.stdout

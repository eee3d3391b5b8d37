"""`python -m manifests TOOLS`: Kubernetes manifests against schemas and policies; TOOLS has programs."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from support.kustomized import FOLDER, overlays

VERSIONS: Final = ("1.31", "1.37")
"""The oldest and the newest Kubernetes that the manifests are for."""
NO_SCHEMA: Final = ("PrometheusRule", "ServiceMonitor", "PodMonitor", "RabbitmqCluster")
"""Kinds that operators bring: nobody has their schemas offline."""


def main() -> int:
    tools = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        problems = [
            problem
            for name, text in overlays(Path(folder)).items()
            for problem in check(tools, _written(Path(folder) / f"{name}.yaml", text))
        ]
    sys.stdout.write("\n".join(problems) + "\n" if problems else "")
    return 1 if problems else 0


def check(tools: Path, path: Path) -> list[str]:
    """Return what is wrong with the manifests in a file; says what was checked."""
    problems = [problem for version in VERSIONS for problem in _against_schemas(tools, path, version)]
    policies = [str(tools / "checkov"), "-f", str(path), "--framework", "kubernetes", "--skip-download"]
    words = [*policies, "--quiet", "--compact", "--config-file", str(FOLDER / "checkov.yaml")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        problems.append(done.stdout + done.stderr)
    sys.stdout.write(f"{path.stem}: policies {'broken' if done.returncode else 'kept'}\n")
    return problems


def _against_schemas(tools: Path, path: Path, version: str) -> list[str]:
    words = [str(tools / "kubernetes-validate"), "-k", version, "--strict", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    passed = sum(line.startswith("INFO") for line in lines)
    problems = [
        line
        for line in lines
        if not line.startswith("INFO") and not any(f"for kind {kind} " in line for kind in NO_SCHEMA)
    ]
    if done.returncode and not problems:
        problems.append(f"kubernetes-validate ended with {done.returncode}")
    sys.stdout.write(f"{path.stem}: {passed} manifests as in the schemas of Kubernetes {version}\n")
    return problems


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())

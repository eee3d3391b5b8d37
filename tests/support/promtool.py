"""Prometheus' own tools, run on our files."""

import shutil
import subprocess
from pathlib import Path

from support.servers import missing

SECONDS = 300.0


def tool(name: str) -> str:
    """Return a program; a test that lacks it is skipped, and fails in CI."""
    found = shutil.which(name)
    if found is None:
        missing(f"{name} (apt-get install prometheus prometheus-alertmanager)")
    return str(found)


def run_tool(name: str, *words: str | Path, given: bytes = b"") -> tuple[int, str]:
    """Run a program to its end; return its status and all that it says."""
    done = subprocess.run(
        [tool(name), *map(str, words)],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")

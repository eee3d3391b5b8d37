"""Programs of a few lines, run by a Python of their own."""

import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

PATIENCE_SECONDS = 60
FORK_WARNING = (
    "ignore:This process:DeprecationWarning"  # of Python 3.12: there are threads, which is the point
)


def ran(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what came of it."""
    return finished(["-c", textwrap.dedent(code), *arguments])


def finished(arguments: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run Python to its end; warnings are errors in it."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-W", FORK_WARNING, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def assert_silent_success(done: subprocess.CompletedProcess[str], output: str = "") -> None:
    assert (done.returncode, done.stdout, done.stderr) == (0, output, "")

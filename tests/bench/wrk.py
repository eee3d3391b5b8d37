"""Closed-loop load by wrk, a process of its own."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from bench.children import main_thread_seconds

CONNECTIONS = 16


class ToolMissing(Exception):
    """A program that a step needs is not installed. The text names the Debian package."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one round of load gave. The processor time is that of the server's main thread."""

    requests_per_second: float
    cpu_microseconds: float


def locate(program: str) -> str | None:
    """Return where a program is; servers lie in a folder that is not on everybody's path."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def require(*programs: str) -> None:
    """Raise `ToolMissing` unless all programs are there."""
    lacking = [name for name in programs if locate(name) is None]
    if lacking:
        raise ToolMissing(f"{' and '.join(lacking)} not found: apt-get install {' '.join(lacking)}")


def put_load(port: int, path: str, headers: Mapping[str, str], *, pid: int, seconds: int = 1) -> Load:
    """Ask for one path as fast as it is answered. Raises `RuntimeError` for an answer above 399."""
    words = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    before = main_thread_seconds(pid)
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *words, f"http://127.0.0.1:{port}{path}"],
        capture_output=True,
        text=True,
        timeout=seconds + 30,
        check=True,
    )
    spent = main_thread_seconds(pid) - before
    count = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if count is None or rate is None or int(count[1]) == 0 or "Non-2xx" in done.stdout:
        raise RuntimeError(f"load on {path} failed: {done.stdout}")
    return Load(float(rate[1]), spent / int(count[1]) * 1e6)

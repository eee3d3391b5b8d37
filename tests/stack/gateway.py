"""The gateway of the stack: nginx with the configuration of `deploy/gateway`."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.child import Recipe, StackFailed
from support.processes import clean_environment
from support.reference_data import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "gateway"
RENDER = FOLDER / "render.py"
HEALTH = "/gateway/health"
MAX_BODY_BYTES = 1024 * 1024  # the default of the services


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """Where the gateway listens, and which ports it sends requests to."""

    port: int
    read_ports: Sequence[int]
    write_ports: Sequence[int] = ()
    stats_ports: Sequence[int] = ()
    host: str = "127.0.0.1"
    workers: int = 2
    max_body_bytes: int = MAX_BODY_BYTES
    answer_seconds: int = 4
    stats_seconds: int = 7
    client_seconds: int = 10


def find_nginx() -> str | None:
    """Return the program; servers lie in a folder that is not on everybody's path."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def gateway_recipe(folder: Path, plan: GatewayPlan) -> Recipe:
    """Write the configuration below `folder`, whose path must be short, and return how to run it."""
    render(folder, plan)
    nginx = find_nginx()
    if nginx is None:
        raise StackFailed("nginx is not installed: apt-get install nginx-light")
    return Recipe(
        name="gateway",
        kind="gateway",
        port=plan.port,
        command=[nginx, *nginx_arguments(folder)],
        environment=clean_environment({}),
        log=folder / "gateway.log",
        health_path=HEALTH,
        orphan_signal="TERM",  # on which nginx also ends its workers
        before_start=lambda: remove_sockets(folder),
    )


@contextlib.contextmanager
def short_folder(prefix: str) -> Iterator[Path]:
    """Yield a new directory, not where tests put theirs: a path longer than 100 characters has no sockets."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def render(folder: Path, plan: GatewayPlan) -> None:
    """Write the configuration. Raises `StackFailed`."""
    words = [f"--read-api=127.0.0.1:{port}" for port in plan.read_ports]
    words += [f"--write-queue=127.0.0.1:{port}" for port in plan.write_ports]
    words += [f"--stats=127.0.0.1:{port}" for port in plan.stats_ports]
    words += [f"--listen={plan.host}:{plan.port}", f"--state-dir={folder / 'state'}"]
    words += [f"--workers={plan.workers}", f"--max-body-bytes={plan.max_body_bytes}"]
    words += [f"--answer-seconds={plan.answer_seconds}", f"--client-seconds={plan.client_seconds}"]
    words += [f"--stats-seconds={plan.stats_seconds}"]
    done = subprocess.run(
        [sys.executable, RENDER, *words, folder / "conf"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StackFailed(done.stderr.strip())


def nginx_arguments(folder: Path) -> list[str]:
    """Return the words after the program's name."""
    # a worker of root's nginx must be able to read a private directory
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    return ["-p", str(folder), "-e", "stderr", "-c", str(folder / "conf" / "nginx.conf"), *user]


def remove_sockets(folder: Path) -> None:
    """Remove what a killed nginx leaves behind, over which the next one would stumble."""
    for path in (folder / "state").glob("*.sock"):
        path.unlink(missing_ok=True)

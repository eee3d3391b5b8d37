"""The gateway of the stack: `horde-reference gateway`, which runs nginx."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.settings import GATEWAY_PREFIX
from stack.child import Recipe, StackFailed
from support.processes import CONSOLE_SCRIPT, clean_environment

HEALTH = "/gateway/health"
MAX_BODY_BYTES = 1024 * 1024  # the default of the services


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """Where the gateway listens, and which ports it sends requests to.

    `more` are other settings, without their prefix. The supervisor's own port is a free one unless given.
    """

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
    drain_seconds: int = 2
    admin_port: int = 0
    more: Mapping[str, object] = field(default_factory=dict)


def find_nginx() -> str | None:
    """Return the program; servers lie in a folder that is not on everybody's path."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def gateway_recipe(folder: Path, plan: GatewayPlan) -> Recipe:
    """Return how to run the gateway with its files below `folder`, whose path must be short."""
    if find_nginx() is None:
        raise StackFailed("nginx is not installed: apt-get install nginx-light")
    return Recipe(
        name="gateway",
        kind="gateway",
        port=plan.port,
        command=[str(CONSOLE_SCRIPT), "gateway"],
        environment=clean_environment(gateway_environment(folder, plan)),
        log=folder / "gateway.log",
        health_path=HEALTH,
        orphan_signal="TERM",  # on which it also ends its nginx
    )


def gateway_environment(folder: Path, plan: GatewayPlan) -> dict[str, str]:
    """Return the settings of the gateway as variables."""
    settings: dict[str, object] = {
        "READ_API": _on_this_machine(plan.read_ports),
        "WRITE_QUEUE": _on_this_machine(plan.write_ports),
        "STATS": _on_this_machine(plan.stats_ports),
        "LISTEN": plan.host,
        "PORT": plan.port,
        "ADMIN_HOST": "127.0.0.1",
        "ADMIN_PORT": plan.admin_port,
        "STATE_DIR": folder / "state",
        "WORKERS": plan.workers,
        "MAX_BODY_BYTES": plan.max_body_bytes,
        "ANSWER_SECONDS": plan.answer_seconds,
        "STATS_SECONDS": plan.stats_seconds,
        "CLIENT_SECONDS": plan.client_seconds,
        "DRAIN_SECONDS": plan.drain_seconds,
        "ACCESS_LOG": "false",
        **plan.more,
    }
    return {f"{GATEWAY_PREFIX}{name}": str(value) for name, value in settings.items()}


def _on_this_machine(ports: Sequence[int]) -> str:
    return ",".join(f"127.0.0.1:{port}" for port in ports)


@contextlib.contextmanager
def short_folder(prefix: str) -> Iterator[Path]:
    """Yield a new directory, not where tests put theirs: a path longer than 100 characters has no sockets."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""The service under test, as its users start it."""

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.children import running
from bench.http_client import wait_for
from support.processes import CONSOLE_SCRIPT, clean_environment, free_port

V2 = "/api/model_references/v2"
TEXT_DOCUMENT = f"{V2}/text_generation"
IMAGE_DOCUMENT = f"{V2}/image_generation"
READY_TIMEOUT_SECONDS = 120.0
SEED_TIMEOUT_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Service:
    """A running service; `ready_seconds` passed from its start to the first document."""

    port: int
    pid: int
    ready_seconds: float

    @property
    def root_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def serving(data_dir: Path, settings: Mapping[str, str] | None = None) -> Iterator[Service]:
    """Run `horde-reference serve` on a directory that is filled already, metrics and access log on."""
    port = free_port()
    variables = {"PORT": str(port), "DATA_DIR": str(data_dir), **(settings or {})}
    environment = {f"HORDE_MODEL_REFERENCE_{name}": value for name, value in variables.items()}
    log_file = data_dir.parent / f"serve-{port}.log"
    started = time.perf_counter()
    with running([str(CONSOLE_SCRIPT), "serve"], environment, log_file=log_file) as child:
        wait_for(port, TEXT_DOCUMENT, child, timeout_seconds=READY_TIMEOUT_SECONDS)
        yield Service(port, child.pid, time.perf_counter() - started)


def fill(data_dir: Path, seed_dir: Path) -> float:
    """Seed an empty directory by the command for it, and return the seconds that took."""
    started = time.perf_counter()
    done = subprocess.run(
        [str(CONSOLE_SCRIPT), "seed", "--from", str(seed_dir)],
        env=clean_environment({"HORDE_MODEL_REFERENCE_DATA_DIR": str(data_dir)}),
        capture_output=True,
        timeout=SEED_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"seeding from {seed_dir} failed: {done.stderr.decode()[-2000:]}")
    return time.perf_counter() - started

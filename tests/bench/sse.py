"""Thousands of listeners to the live feed of one process: memory, and how soon the last one hears."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from bench.children import end, module_environment, resident_megabytes, wait_until_quiet
from bench.figures import Figure
from bench.service import serving

CLIENTS = 5000
SPARE_FILES = 500
POLL_SECONDS = "0.05"  # stands for the event bus, which tells at once
QUIET_SECONDS = 30.0
HEARTBEAT_SECONDS = 16.0
GRACE_SECONDS = 120.0


def measure(data_dir: Path, seed_dir: Path) -> list[Figure]:
    """Return memory for each listener, and latencies from the commit to the first and the last of them."""
    raise_file_limit(CLIENTS + SPARE_FILES)
    with serving(data_dir, {"HEAD_POLL_SECONDS": POLL_SECONDS}) as service:
        wait_until_quiet(service.pid, timeout_seconds=QUIET_SECONDS)
        before = resident_megabytes(service.pid)
        listening = subprocess.Popen(
            [sys.executable, "-m", "bench.sse_listeners", str(service.port), str(CLIENTS)],
            env=module_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert listening.stdout is not None
            started = time.monotonic()
            if listening.stdout.readline() != b"ready\n":
                raise RuntimeError("the listeners could not connect")
            connected_seconds = time.monotonic() - started
            time.sleep(HEARTBEAT_SECONDS)  # every connection has been written to
            kilobytes = (resident_megabytes(service.pid) - before) * 1024 / CLIENTS
            committed = _commit(data_dir, seed_dir)
            heard = sorted(json.loads(_line(listening.stdout)))
        finally:
            if listening.stdin is not None:
                listening.stdin.close()
            end(listening)
    first, last = (heard[0] - committed) * 1000, (heard[-1] - committed) * 1000
    note = f"{connected_seconds:.1f} s to connect {CLIENTS}"
    return [
        Figure("memory for each listener", kilobytes, "KB", 25.0, note=note),
        Figure("commit until the first listener hears", first, "ms", note="with the pages rebuilt"),
        Figure("commit until the last listener hears", last, "ms", 500.0),
        Figure("first to last listener", last - first, "ms"),
    ]


def raise_file_limit(wanted: int) -> None:
    """Let this process and its children open so many files. Raises `RuntimeError`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise RuntimeError(f"{wanted} open files are needed, {hard} are allowed")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _commit(data_dir: Path, seed_dir: Path) -> float:
    """Append one revision of the text catalogue; return when that was done, by the monotonic clock."""
    command = [sys.executable, "-m", "bench.revisions", str(data_dir), str(seed_dir), "0.001", "0"]
    done = subprocess.run(
        command, env=module_environment(), stdout=subprocess.PIPE, timeout=GRACE_SECONDS, check=True
    )
    committed: float = json.loads(done.stdout)["committed_monotonic"]
    return committed


def _line(source: IO[bytes]) -> bytes:
    line = source.readline()
    if not line:
        raise RuntimeError("the listeners did not hear of the revision")
    return line

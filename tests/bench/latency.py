"""Latency at a constant arrival rate while the text catalogue is rebuilt again and again."""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.children import end, module_environment, wait_until_quiet
from bench.figures import Figure
from bench.http_client import fetch
from bench.service import IMAGE_DOCUMENT, TEXT_DOCUMENT, V2, serving
from bench.throughput import GZIP, one_model_path

RATE = 300
SECONDS = 20
PAUSE_SECONDS = 0.5  # between revisions
POLL_SECONDS = "0.25"
QUIET_SECONDS = 30.0
GRACE_SECONDS = 60.0


def measure(data_dir: Path, seed_dir: Path) -> list[Figure]:
    """Return the latency percentiles, at rest and during rebuilds."""
    with serving(data_dir, {"HEAD_POLL_SECONDS": POLL_SECONDS}) as service:
        wait_until_quiet(service.pid, timeout_seconds=QUIET_SECONDS)
        requests = _mix(service.port)
        calm = _send(service.port, requests, SECONDS / 4)
        before = _revision(service.port)
        writer = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bench.revisions",
                str(data_dir),
                str(seed_dir),
                str(SECONDS),
                str(PAUSE_SECONDS),
            ],
            env=module_environment(),
            stdout=subprocess.PIPE,
        )
        try:
            busy = _send(service.port, requests, SECONDS)
            appended = json.loads(writer.communicate(timeout=GRACE_SECONDS)[0])["appended"]
        finally:
            end(writer)
        seen = _revision(service.port) - before
    note = f"{RATE}/s for {SECONDS} s, {appended} revisions written, at least {seen} reached"
    return [
        *_figures("at rest", calm, None, f"{RATE}/s for {SECONDS / 4:g} s"),
        *_figures("while rebuilding", busy, 10.0, note),
        Figure("text catalogue rebuilt during the measurement", float(seen), "times", 5.0, at_most=False),
    ]


def _mix(port: int) -> list[tuple[str, dict[str, str]]]:
    """Return what is asked for in turn: documents, 304, single models, searches that nobody sent before."""
    tag = fetch(port, IMAGE_DOCUMENT, GZIP).headers["etag"]
    model, conditional = one_model_path(port), {**GZIP, "If-None-Match": tag}
    return [
        (TEXT_DOCUMENT, GZIP),
        (model, GZIP),
        (IMAGE_DOCUMENT, conditional),
        (model, {}),
        (IMAGE_DOCUMENT, GZIP),
        (f"{V2}/text_generation/search?name_contains=1&offset={{n}}&limit=20", GZIP),
        (model, GZIP),
        (IMAGE_DOCUMENT, conditional),
        ("/api/model_references/v1/text_generation", GZIP),
        ("/api/heartbeat", {}),
    ]


def _send(port: int, requests: list[tuple[str, dict[str, str]]], seconds: float) -> dict[str, Any]:
    plan = {"port": port, "rate": RATE, "seconds": seconds, "requests": requests}
    done = subprocess.run(
        [sys.executable, "-m", "bench.open_loop"],
        env=module_environment(),
        input=json.dumps(plan).encode(),
        stdout=subprocess.PIPE,
        timeout=seconds + GRACE_SECONDS,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _figures(when: str, result: dict[str, Any], target_ms: float | None, note: str) -> list[Figure]:
    taken = sorted(result["latencies"])
    cuts = statistics.quantiles(taken, n=1000, method="inclusive")
    spread = f"p50 {cuts[499]:.2f}, p90 {cuts[899]:.2f}, p99.9 {cuts[998]:.1f}, max {taken[-1]:.1f}"
    late = statistics.quantiles(result["lateness"], n=1000, method="inclusive")
    spread += f" (the sender itself was late: p99 {late[989]:.2f}, p99.9 {late[998]:.1f})"
    failures = result["failures"]
    return [
        Figure(f"p99 {when}", cuts[989], "ms", target_ms, note=f"{spread}; {note}"),
        Figure(f"failed requests {when}", float(sum(failures.values())), "", 0.0, note=str(failures or "")),
    ]


def _revision(port: int) -> int:
    return int(fetch(port, "/api/heartbeat").headers["x-revision"])

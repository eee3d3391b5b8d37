"""Requests per second beside nginx and a bare aiohttp handler, in interleaved rounds."""

import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import orjson

from bench.children import wait_until_quiet
from bench.figures import Figure
from bench.http_client import fetch
from bench.service import IMAGE_DOCUMENT, TEXT_DOCUMENT, Service, serving
from bench.wrk import Load, put_load, require
from bench.yardsticks import Resource, Yardstick, bare_aiohttp, nginx

ROUNDS = 7
GZIP = {"Accept-Encoding": "gzip"}
QUIET_SECONDS = 30.0
TELEMETRY_SHARE = 2 / 3  # of a bare handler: telemetry and our own logic may cost a third


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request. `path` is the service's; yardsticks have it under `/<resource>`."""

    name: str
    path: str
    resource: str
    target: float
    conditional: bool = False


def one_model_path(port: int) -> str:
    """Return the path of a model in the middle of the catalogue."""
    names = list(orjson.loads(fetch(port, IMAGE_DOCUMENT).body))
    return f"{IMAGE_DOCUMENT}/model/{quote(names[len(names) // 2], safe='')}"


def measure(data_dir: Path, work_dir: Path) -> list[Figure]:
    """Return the ratios to nginx and to bare aiohttp. Raises `ToolMissing`."""
    require("nginx", "wrk")
    with serving(data_dir) as ours:
        wait_until_quiet(ours.pid, timeout_seconds=QUIET_SECONDS)
        cases = [
            Case("text document, gzip", TEXT_DOCUMENT, "text", 0.30),
            Case("image document, gzip", IMAGE_DOCUMENT, "image", 0.30),
            Case("304", TEXT_DOCUMENT, "text", 0.25, conditional=True),
            Case("one model", one_model_path(ours.port), "model", 0.35),
        ]
        paths = {case.resource: case.path for case in cases}
        resources = [Resource(name, fetch(ours.port, path, GZIP)) for name, path in paths.items()]
        with (
            nginx(work_dir / "nginx", resources) as yardstick,
            bare_aiohttp(work_dir / "bare", resources) as bare,
        ):
            servers: dict[str, Service | Yardstick] = {"ours": ours, "nginx": yardstick, "bare": bare}
            return [figure for case in cases for figure in compare(case, servers)]


def compare(case: Case, servers: Mapping[str, Service | Yardstick]) -> list[Figure]:
    """Return the ratios for one kind of request between `ours`, `nginx` and `bare`."""
    asked = {name: _request(case, name, server.port) for name, server in servers.items()}
    loads: dict[str, list[Load]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name, server in servers.items():
            path, headers = asked[name]
            loads[name].append(put_load(server.port, path, headers, pid=server.pid))
    rates = {name: [load.requests_per_second for load in taken] for name, taken in loads.items()}
    costs = {name: min(load.cpu_microseconds for load in taken) for name, taken in loads.items()}
    medians = {name: statistics.median(taken) for name, taken in rates.items()}
    note = (
        f"requests/s: ours {medians['ours']:,.0f}, nginx {medians['nginx']:,.0f}, bare {medians['bare']:,.0f}"
    )
    cost_note = (
        f"us of processor: ours {costs['ours']:.1f}, nginx {costs['nginx']:.1f}, bare {costs['bare']:.1f}"
    )
    return [
        Figure(
            f"{case.name}: ratio to nginx",
            _ratio(rates["ours"], rates["nginx"]),
            "",
            case.target,
            at_most=False,
            note=note,
        ),
        Figure(
            f"{case.name}: ratio to bare aiohttp",
            _ratio(rates["ours"], rates["bare"]),
            "",
            TELEMETRY_SHARE,
            at_most=False,
            note=cost_note,
        ),
        Figure(f"{case.name}: bare aiohttp to nginx", _ratio(rates["bare"], rates["nginx"]), ""),
    ]


def _request(case: Case, server: str, port: int) -> tuple[str, dict[str, str]]:
    """Return path and headers for a server, after making sure that it answers as the others do."""
    path = case.path if server == "ours" else f"/{case.resource}"
    first = fetch(port, path, GZIP)
    if not case.conditional:
        if first.status != 200:
            raise RuntimeError(f"{server} answers {path} with {first.status}")
        return path, GZIP
    headers = {**GZIP, "If-None-Match": first.headers["etag"]}
    if fetch(port, path, headers).status != 304:
        raise RuntimeError(f"{server} does not answer {path} with 304")
    return path, headers


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))

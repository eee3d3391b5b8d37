"""Reads through the gateway beside nginx that serves the very same bytes from files."""

import statistics
from pathlib import Path
from urllib.parse import quote

import orjson

from bench.figures import Figure
from bench.http_client import fetch
from bench.service import IMAGE_DOCUMENT, TEXT_DOCUMENT
from bench.wrk import put_load, require
from bench.yardsticks import Resource, Yardstick, nginx
from stack.child import Child
from stack.gateway import GatewayPlan

TARGET = 0.8
GZIP = {"Accept-Encoding": "gzip"}


def measure(gateway: Child, work_dir: Path, *, rounds: int) -> list[Figure]:
    """Return the ratios of requests per second. Raises `ToolMissing`."""
    require("nginx", "wrk")
    names = list(orjson.loads(fetch(gateway.port, IMAGE_DOCUMENT).body))
    paths = {
        "text": TEXT_DOCUMENT,
        "image": IMAGE_DOCUMENT,
        "model": f"{IMAGE_DOCUMENT}/model/{quote(names[len(names) // 2], safe='')}",
    }
    resources = [Resource(name, fetch(gateway.port, path, GZIP)) for name, path in paths.items()]
    workers = GatewayPlan(port=0, read_ports=()).workers
    with nginx(work_dir / "bare-nginx", resources, workers=workers) as bare:
        return [
            _compare(f"{name}, gzip", gateway, path, bare, name, rounds) for name, path in paths.items()
        ] + [_compare("304", gateway, TEXT_DOCUMENT, bare, "text", rounds, conditional=True)]


def _compare(
    title: str,
    gateway: Child,
    path: str,
    bare: Yardstick,
    resource: str,
    rounds: int,
    *,
    conditional: bool = False,
) -> Figure:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        for port, pid, asked, rates in (
            (gateway.port, gateway.pid, path, ours),
            (bare.port, bare.pid, f"/{resource}", theirs),
        ):
            headers = _headers(port, asked, conditional=conditional)
            rates.append(put_load(port, asked, headers, pid=pid).requests_per_second)
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    note = (
        f"requests/s: gateway {statistics.median(ours):,.0f}, bare {statistics.median(theirs):,.0f}; "
        f"{min(ratios):.2f} to {max(ratios):.2f}"
    )
    name = f"reads through the gateway to bare nginx, {title}"
    return Figure(name, statistics.median(ratios), "", TARGET, at_most=False, note=note)


def _headers(port: int, path: str, *, conditional: bool) -> dict[str, str]:
    if not conditional:
        return GZIP
    headers = {**GZIP, "If-None-Match": fetch(port, path, GZIP).headers["etag"]}
    if fetch(port, path, headers).status != 304:
        raise RuntimeError(f"{path} on port {port} is not answered with 304")
    return headers

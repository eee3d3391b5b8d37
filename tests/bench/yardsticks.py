"""What the service is compared with: nginx and a bare aiohttp handler, serving the very same bytes."""

import contextlib
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.children import module_environment, running
from bench.http_client import Answer, wait_for
from bench.wrk import locate
from support.processes import free_port

NGINX_CONFIGURATION = """
{user}
daemon off;
worker_processes {workers};
pid {root}/nginx.pid;
error_log {root}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    default_type application/json;
    sendfile on;
    tcp_nopush on;
    gzip_static on;
    keepalive_requests 1000000000;
    open_file_cache max=100;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}/files; }}
}}
"""
PASSED_ON = ("content-type", "content-encoding", "etag", "cache-control", "vary")
START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Resource:
    """A body that every server of the comparison gives, under the path `/<name>` on the yardsticks."""

    name: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A running server to compare with, and the process that does its work."""

    port: int
    pid: int


@contextlib.contextmanager
def nginx(root: Path, resources: Sequence[Resource], *, workers: int = 1) -> Iterator[Yardstick]:
    """Run nginx with precompressed files. The process of the yardstick is its first worker."""
    folder = root / "files"
    folder.mkdir(parents=True)
    for resource in resources:
        _write_files(folder, resource)
    port = free_port()
    configuration = root / "nginx.conf"
    text = NGINX_CONFIGURATION.format(root=root, port=port, user=_same_user(), workers=workers)
    configuration.write_text(text)
    with running(
        [locate("nginx") or "nginx", "-c", str(configuration)], log_file=root / "nginx.log"
    ) as child:
        wait_for(port, f"/{resources[0].name}", child, timeout_seconds=START_SECONDS)
        yield Yardstick(port, _first_child(child.pid))


@contextlib.contextmanager
def bare_aiohttp(root: Path, resources: Sequence[Resource]) -> Iterator[Yardstick]:
    """Run handlers that do nothing but answer: what aiohttp itself costs."""
    folder = root / "bodies"
    folder.mkdir(parents=True)
    for resource in resources:
        (folder / resource.name).write_bytes(resource.answer.body)
        headers = {name: value for name, value in resource.answer.headers.items() if name in PASSED_ON}
        (folder / f"{resource.name}.headers").write_text(json.dumps(headers))
    port = free_port()
    command = [sys.executable, "-m", "bench.bare_server", str(port), str(folder)]
    with running(command, module_environment(), log_file=root / "bare.log") as child:
        wait_for(port, f"/{resources[0].name}", child, timeout_seconds=START_SECONDS)
        yield Yardstick(port, child.pid)


def _write_files(folder: Path, resource: Resource) -> None:
    body, coding = resource.answer.body, resource.answer.headers.get("content-encoding")
    if coding is None:
        (folder / resource.name).write_bytes(body)
        return
    if coding != "gzip":
        raise RuntimeError(f"{resource.name} came in the coding {coding}, asked for was gzip")
    (folder / resource.name).write_bytes(gzip.decompress(body))
    (folder / f"{resource.name}.gz").write_bytes(body)


def _same_user() -> str:
    """Return the line that lets the worker of a nginx run by root read a private directory."""
    return "user root;" if os.geteuid() == 0 else ""


def _first_child(pid: int) -> int:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if words := path.read_text().split():
            return int(words[0])
        time.sleep(0.01)
    raise subprocess.SubprocessError("nginx has no worker")

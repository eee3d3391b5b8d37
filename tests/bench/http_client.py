"""A small HTTP client for single requests, and waiting for a server."""

import http.client
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass

POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(port: int, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    """GET a path of a server on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())
    finally:
        connection.close()


def wait_for(port: int, path: str, child: subprocess.Popen[bytes], *, timeout_seconds: float) -> None:
    """Poll until a GET is answered with 200. Raises `RuntimeError` when that does not happen."""
    deadline = time.monotonic() + timeout_seconds
    last: object = None
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise RuntimeError(f"the server of {path} ended with {child.returncode}")
        try:
            last = fetch(port, path).status
            if last == 200:
                return
        except OSError as error:
            last = error
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"{path} was not ready after {timeout_seconds} s: {last}")

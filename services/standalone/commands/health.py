"""Ask the service that runs here whether it is alive: status 0 if it says so, else 1, and a line that tells.

For the health check of a container. Without `--url` the address comes from the settings `HOST` and `PORT`.
"""

import argparse
import http.client
import sys
from typing import Final
from urllib.parse import urlsplit

from service_kit.setting_files import SettingFileUnusable
from standalone.health_settings import own_address

TIMEOUT_SECONDS: Final = 3.0
MAX_TOLD: Final = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is asked, and where."""
    parser.add_argument(
        "--ready", action="store_true", help="ask whether it can do its work, which looks at its neighbours"
    )
    parser.add_argument("--url", help="ask this http:// address, as it is")


def run(arguments: argparse.Namespace) -> int:
    """Ask once."""
    try:
        host, port, path = _asked(arguments)
        status, body = _get(host, port, path)
    except SettingFileUnusable as error:
        return _told(f"not healthy: {error}", 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _told(f"not healthy: {str(error) or type(error).__name__}", 1)
    if status != http.HTTPStatus.OK:
        return _told(f"not healthy: {path}: {status} {body}", 1)
    return _told(f"healthy: {path}: {body}", 0)


def _asked(arguments: argparse.Namespace) -> tuple[str, int, str]:
    if arguments.url:
        url = urlsplit(arguments.url)
        if url.scheme != "http" or not url.hostname:
            raise ValueError(f"{arguments.url} is no http:// address")
        return url.hostname, url.port or 80, url.path or "/"
    return *own_address(), "/ready" if arguments.ready else "/live"


def _get(host: str, port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_TOLD).decode(errors="replace").strip()
    finally:
        connection.close()


def _told(line: str, status: int) -> int:
    sys.stdout.write(f"{' '.join(line.split())}\n")
    return status

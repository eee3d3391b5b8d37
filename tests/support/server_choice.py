"""Decides where the servers of the tests come from, and says so.

An address given by environment goes before everything, except for servers that a test kills. Then
TEST_SERVERS decides: `auto`, as if it were not set, takes containers if a Docker engine answers and has or
gets their images, else the programs of this machine; `containers` and `native` allow one of the two only.
"""

import functools
import os
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import pytest
from yarl import URL

from support.nodes import NodeFailed, find_rabbit, find_redis, find_weed
from support.serving import LOOPBACK

Server = Literal["S3", "Redis", "RabbitMQ"]
Way = Literal["address", "container", "program"]

ADDRESSES: Final[dict[Server, str]] = {
    "S3": "TEST_S3_URL",
    "Redis": "TEST_REDIS_URL",
    "RabbitMQ": "TEST_AMQP_URL",
}
PROGRAMS: Final[dict[Server, Callable[[], str]]] = {
    "S3": find_weed,
    "Redis": find_redis,
    "RabbitMQ": find_rabbit,
}
DEFAULT_PORTS: Final = {
    "http": 80,
    "https": 443,
    "redis": 6379,
    "rediss": 6379,
    "amqp": 5672,
    "amqps": 5671,
}
AUTO: Final = "auto"
MODES: Final[dict[str, tuple[Way, ...]]] = {
    "native": ("program",),
    "containers": ("container",),
    AUTO: ("container", "program"),
}


class Choice(NamedTuple):
    """Where a server comes from; `what` is its address, program or image."""

    way: Way
    what: str


def report() -> str:
    """Return one line about all servers. Starts none of them."""
    return ", ".join(f"{server} {_told(server)}" for server in ADDRESSES)


def given_address(server: Server) -> str | None:
    """Return the address by which the environment offers a server."""
    return os.environ.get(ADDRESSES[server]) or None


def address_of(url: str) -> tuple[str, int]:
    """Return host and port of a URL."""
    parsed = URL(url)
    return parsed.host or LOOPBACK, parsed.explicit_port or DEFAULT_PORTS[parsed.scheme]


@functools.cache
def choose(server: Server) -> Choice:
    """Return where a server of the tests' own comes from. Raises `NodeFailed` when there is no way."""
    reasons = []
    for way in _ways():
        try:
            return Choice(way, _image(server) if way == "container" else PROGRAMS[server]())
        except NodeFailed as error:
            reasons.append(str(error))
    raise NodeFailed("; ".join(reasons))


def _ways() -> tuple[Way, ...]:
    mode = os.environ.get("TEST_SERVERS") or AUTO
    if mode not in MODES:
        raise pytest.UsageError(f"TEST_SERVERS={mode}: it is one of {', '.join(MODES)}")
    return MODES[mode]


def _image(server: Server) -> str:
    from support.container_engine import fetched_image  # noqa: PLC0415 - heavy, and not always needed
    from support.container_nodes import IMAGES  # noqa: PLC0415

    return fetched_image(IMAGES[server])


def _told(server: Server) -> str:
    address = given_address(server)
    if address is not None:
        host, port = address_of(address)
        return f"at {host}:{port}"  # nothing of its secrets
    try:
        choice = choose(server)
    except NodeFailed as error:
        return f"missing ({error})"
    return f"{'container' if choice.way == 'container' else 'program'} {choice.what}"

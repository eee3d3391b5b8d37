"""Where servers are: as the settings say it, and as nginx is told it."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

_TARGET: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[(?P<bracketed>[0-9A-Fa-f:.]+)\]):(?P<port>\d{1,5})")
HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Target:
    """What the settings name: an address, or a name that may stand for many."""

    host: str
    port: int


def parse_target(text: str) -> Target:
    """Return `HOST:PORT` or `[ADDRESS]:PORT` in its parts. Raises `ValueError`."""
    found = _TARGET.fullmatch(text)
    if found is None or not 0 < int(found["port"]) <= HIGHEST_PORT:
        raise ValueError(f"not HOST:PORT: {text!r}")
    if found["bracketed"] and literal(found["bracketed"]) is None:
        raise ValueError(f"not an address: {text!r}")
    return Target(found["bracketed"] or found["name"], int(found["port"]))


def literal(host: str) -> str | None:
    """Return the address in its usual form; None for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def socket_address(host: str, port: int) -> str:
    """Return the address as nginx reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""The address that a request really comes from."""

import ipaddress
from typing import Final

from aiohttp import hdrs, web

UNKNOWN: Final = "unknown"
IPV6_NETWORK_BITS: Final = 64  # what one customer of a provider has all addresses of


def client_address(request: web.BaseRequest, trusted_proxies: int) -> str:
    """Return the network address of the client, for limits: IPv4 as it is, IPv6 without its lower half.

    Each proxy adds the address it was called from to `X-Forwarded-For`. Only what the `trusted_proxies` of
    our own added is believed: what stands left of that was written by the client. Where fewer addresses
    stand than there are proxies, or no address, whoever is connected counts.
    """
    connected = _network(request.remote or "") or UNKNOWN
    if trusted_proxies == 0:
        return connected
    lines = request.headers.getall(hdrs.X_FORWARDED_FOR, [])
    passed_on = ",".join(lines).split(",") if lines else []
    if len(passed_on) < trusted_proxies:
        return connected
    return _network(passed_on[-trusted_proxies].strip()) or connected


def _network(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(_without_port(text))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, IPV6_NETWORK_BITS), strict=False))


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, colon, _ = text.partition(":")
    return host if colon and text.count(":") == 1 else text

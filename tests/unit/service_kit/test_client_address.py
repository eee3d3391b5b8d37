"""Whose address counts, whatever a client writes into `X-Forwarded-For`."""

import ipaddress

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from service_kit.client_address import client_address

CONNECTED = "192.0.2.1"


def address(trusted_proxies: int, *passed_on: str, remote: str | None = CONNECTED) -> str:
    headers = CIMultiDict([("X-Forwarded-For", line) for line in passed_on])
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote or "")
    return client_address(request, trusted_proxies)


def test_without_trusted_proxies_the_header_is_ignored() -> None:
    assert address(0, "203.0.113.7") == CONNECTED


@pytest.mark.parametrize(
    ("proxies", "lines", "expected"),
    [
        (1, ["203.0.113.7"], "203.0.113.7"),
        (1, ["6.6.6.6, 203.0.113.7"], "203.0.113.7"),
        (1, ["6.6.6.6", "203.0.113.7"], "203.0.113.7"),
        (2, ["6.6.6.6, 203.0.113.7, 10.0.0.1"], "203.0.113.7"),
        (2, ["6.6.6.6,203.0.113.7", " 10.0.0.1 "], "203.0.113.7"),
        (1, ["203.0.113.7:5123"], "203.0.113.7"),
    ],
)
def test_only_what_our_proxies_added_is_believed(proxies: int, lines: list[str], expected: str) -> None:
    assert address(proxies, *lines) == expected


@pytest.mark.parametrize(
    ("proxies", "lines"),
    [
        (1, []),
        (2, ["203.0.113.7"]),
        (1, [""]),
        (1, ["unknown"]),
        (1, ["203.0.113.7, "]),
        (1, ["203.0.113.7, <script>"]),
        (1, ["1.2.3"]),
        (1, ["[::1"]),
        (1, ["999.1.1.1"]),
    ],
)
def test_header_that_cannot_be_used_leaves_whoever_is_connected(proxies: int, lines: list[str]) -> None:
    assert address(proxies, *lines) in {CONNECTED, "::/64"}


@pytest.mark.parametrize(
    ("given_address", "expected"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_ipv6_counts_by_network(given_address: str, expected: str) -> None:
    assert address(1, given_address) == expected
    assert address(0, remote=given_address) == expected


def test_connection_without_an_address_is_still_counted() -> None:
    assert address(0, remote=None) == "unknown"


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_client_cannot_choose_its_address_behind_a_proxy(written: str) -> None:
    assert address(1, f"{written}, 203.0.113.7") == "203.0.113.7"


@given(st.ip_addresses())
def test_every_address_is_found_again(given_address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert address(1, str(given_address)) == address(0, remote=str(given_address))

"""What targets and hosts files mean, and what nginx says of itself."""

from pathlib import Path

import pytest

from gateway.addresses import Target, parse_target, socket_address
from gateway.resolving import HostsFileResolver, NobodyKnows, preferred
from gateway.status_socket import parse_numbers


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("read-api:19800", Target("read-api", 19800)),
        ("10.0.0.2:1", Target("10.0.0.2", 1)),
        ("[fd00::1]:65535", Target("fd00::1", 65535)),
    ],
)
def test_target_has_a_host_and_a_port(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "read-api",
        "read-api:",
        ":1",
        "a:0",
        "a:65536",
        "[::1]",
        "[zz]:1",
        "[1.2]:1",
        "a b:1",
        "a:1; include /x",
        "a:1\n",
    ],
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        parse_target(text)


def test_ipv6_stands_in_brackets() -> None:
    assert (socket_address("fd00::1", 1), socket_address("10.0.0.2", 1)) == ("[fd00::1]:1", "10.0.0.2:1")


def test_instance_with_both_kinds_of_addresses_counts_once() -> None:
    assert preferred(["fd00::2", "10.0.0.3", "10.0.0.2", "10.0.0.3"]) == ("10.0.0.2", "10.0.0.3")
    assert preferred(["fd00::2", "fe80::1%eth0"]) == ("fd00::2", "fe80::1")
    assert preferred([]) == ()


async def test_hosts_file_is_read_anew_for_every_question(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    names = HostsFileResolver(file)
    file.write_text("# ours\n10.0.0.2 reads other\n10.0.0.3\treads # the second\nnonsense reads\n")
    assert await names.addresses("reads") == ("10.0.0.2", "10.0.0.3")
    file.write_text("10.0.0.4 reads")
    assert await names.addresses("reads") == ("10.0.0.4",)
    assert await names.addresses("other") == ()


async def test_hosts_file_that_is_missing_says_nothing_about_names(tmp_path: Path) -> None:
    with pytest.raises(NobodyKnows):
        await HostsFileResolver(tmp_path / "hosts").addresses("reads")


def test_numbers_of_nginx_are_understood() -> None:
    page = (
        b"Active connections: 3 \nserver accepts handled requests\n 16 15 31 \n"
        b"Reading: 1 Writing: 2 Waiting: 4 \n"
    )
    numbers = parse_numbers(page)
    assert (numbers.active, numbers.accepted, numbers.handled, numbers.requests) == (3, 16, 15, 31)
    assert (numbers.reading, numbers.writing, numbers.waiting) == (1, 2, 4)
    with pytest.raises(ValueError, match="other numbers"):
        parse_numbers(b"Active connections: 3")

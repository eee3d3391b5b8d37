"""The gateway's configuration, as nginx understands it."""

import logging
import socket
from pathlib import Path

import pytest

from support.certificates import write_certificate
from support.gateways import running_gateway
from support.nodes import free_ports


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"read_api": ["127.0.0.1:1"]},
        {"read_api": ["localhost:1", "[::1]:2"], "write_queue": ["127.0.0.1:3"], "workers": 4},
        {"listen": ["0.0.0.0", "::"], "max_body_bytes": 5000},
        {"answer_seconds": 30, "client_seconds": 60, "drain_seconds": 5, "old_worker_seconds": 1},
        {"real_ip_from": ["10.0.0.0/8", "fd00::/8"], "stats": ["127.0.0.1:4"]},
        {"tls": True},
        {"tls": True, "redirect_to": "https://models.example", "hsts_seconds": 60},
    ],
    ids=str,
)
async def test_configuration_is_understood_by_nginx_without_a_word(
    settings: dict[str, object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = {**settings, "start_seconds": 0.2}
    if chosen.pop("tls", False):
        certificate, key = write_certificate(tmp_path)
        chosen |= {"tls_certificate": certificate, "tls_key": key, "tls_port": free_ports(1)[0]}
    async with running_gateway(chosen) as (_, supervisor, _telemetry):
        assert supervisor.front.process.running
        assert supervisor.back.process.running
    said = [record for record in caplog.records if record.name == "gateway.nginx_process"]
    assert [record.message for record in said if record.levelno >= logging.WARNING] == []


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_gateway_listens_on_both_kinds_of_addresses() -> None:
    async with running_gateway({"listen": ["0.0.0.0", "::"]}) as (port, _supervisor, _telemetry):
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family) as client:
                client.connect((host, port))

"""TLS at the gateway, and what proxies before it say."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from gateway.supervisor import Supervisor
from service_kit.telemetry import Telemetry
from support.certificates import write_certificate
from support.event_listeners import eventually
from support.gateways import V2, addresses_of, running_gateway
from support.nodes import free_ports
from support.upstreams import Upstream, upstreams

CLIP = f"{V2}/clip"


@dataclass(frozen=True, slots=True)
class TlsGateway:
    """A gateway with a certificate for a name, and the server behind it."""

    port: int
    tls_port: int
    folder: Path
    upstream: Upstream
    supervisor: Supervisor
    telemetry: Telemetry

    def connect(
        self, *, only: ssl.TLSVersion | None = None, protocols: tuple[str, ...] = ()
    ) -> ssl.SSLSocket:
        """Return a connection; the certificate is believed, but its name must be `localhost`."""
        context = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        if only is not None:
            context.minimum_version = context.maximum_version = only
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.tls_port), 10), server_hostname="localhost"
        )

    def serial_number(self) -> str:
        with self.connect() as connection:
            certificate = connection.getpeercert()
            assert certificate is not None
            return str(certificate["serialNumber"])

    def value(self, name: str, labels: dict[str, str] | None = None) -> float | None:
        return self.telemetry.registry.get_sample_value(name, labels)


@contextlib.asynccontextmanager
async def tls_gateway(
    folder: Path, settings: Mapping[str, object] | None = None
) -> AsyncIterator[TlsGateway]:
    certificate, key = write_certificate(folder)
    tls_port = free_ports(1)[0]
    async with upstreams("read") as (upstream,):
        chosen = {
            "read_api": addresses_of([upstream]),
            "tls_port": tls_port,
            "tls_certificate": certificate,
            "tls_key": key,
            **(settings or {}),
        }
        async with running_gateway(chosen) as (port, supervisor, telemetry):
            yield TlsGateway(port, tls_port, folder, upstream, supervisor, telemetry)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_modern_tls_is_spoken_with_http2(version: ssl.TLSVersion, tmp_path: Path) -> None:
    async with tls_gateway(tmp_path) as running:
        with await asyncio.to_thread(
            running.connect, only=version, protocols=("h2", "http/1.1")
        ) as connection:
            assert connection.version() == version.name.replace("_", ".")
            assert connection.selected_alpn_protocol() == "h2"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_tls_is_refused(tmp_path: Path) -> None:
    async with tls_gateway(tmp_path) as running:
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(running.connect, only=ssl.TLSVersion.TLSv1_1)


async def test_services_learn_how_the_client_came(tmp_path: Path) -> None:
    async with tls_gateway(tmp_path, {"hsts_seconds": 3600}) as running, aiohttp.ClientSession() as session:
        secure = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        async with session.get(f"https://localhost:{running.tls_port}{CLIP}", ssl=secure) as answer:
            assert answer.status == 200
            assert answer.headers.getall("Strict-Transport-Security") == ["max-age=3600"]
        async with session.get(f"http://127.0.0.1:{running.port}{CLIP}?plain") as answer:
            assert answer.status == 200
            assert "Strict-Transport-Security" not in answer.headers
        seen = [request.headers["X-Forwarded-Proto"] for request in running.upstream.seen]
        assert seen == ["https", "http"]


async def test_errors_of_the_gateway_insist_on_tls_too(tmp_path: Path) -> None:
    async with tls_gateway(tmp_path, {"hsts_seconds": 60}) as running, aiohttp.ClientSession() as session:
        await running.upstream.stop()
        secure = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        async with session.get(f"https://localhost:{running.tls_port}{CLIP}", ssl=secure) as answer:
            assert answer.status == 502
            assert answer.headers.getall("Strict-Transport-Security") == ["max-age=60"]


async def test_requests_without_tls_are_sent_to_it_if_wanted(tmp_path: Path) -> None:
    settings = {"redirect_to": "https://models.example"}
    async with tls_gateway(tmp_path, settings) as running, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{running.port}"
        async with session.post(f"{url}/a%2Fb?c=d", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (308, "https://models.example/a%2Fb?c=d")
        async with session.get(f"{url}/gateway/health") as answer:
            assert answer.status == 200
        assert running.upstream.seen == []


def new_serial_number(running: TlsGateway) -> str:
    """Return that of the certificate on the disk; a worker from before may still take a connection or two."""
    for _ in range(50):
        try:
            return running.serial_number()
        except ssl.SSLCertVerificationError:
            time.sleep(0.1)
    return running.serial_number()


async def test_new_certificate_is_taken_without_a_restart(tmp_path: Path) -> None:
    async with tls_gateway(tmp_path) as running:
        former = await asyncio.to_thread(running.serial_number)
        ends = running.value("gateway_certificate_expiry_timestamp_seconds") or 0
        pid = running.supervisor.front.process.pid
        write_certificate(tmp_path, days=60)
        done = {"stage": "front", "outcome": "done"}
        await eventually(lambda: running.value("gateway_reloads_total", done) == 1)
        assert await asyncio.to_thread(new_serial_number, running) != former
        assert (running.value("gateway_certificate_expiry_timestamp_seconds") or 0) > ends > 0
        assert running.supervisor.front.process.pid == pid


async def test_files_that_do_not_belong_together_leave_the_former_certificate(tmp_path: Path) -> None:
    async with tls_gateway(tmp_path) as running:
        former = await asyncio.to_thread(running.serial_number)
        good = (tmp_path / "key.pem").read_bytes()
        write_certificate(tmp_path / "other")
        (tmp_path / "key.pem").write_bytes((tmp_path / "other" / "key.pem").read_bytes())
        succeeded = {"stage": "front"}
        await eventually(lambda: running.value("gateway_last_reload_succeeded", succeeded) == 0)
        assert await asyncio.to_thread(running.serial_number) == former
        (tmp_path / "key.pem").write_bytes(good)
        await eventually(lambda: running.value("gateway_last_reload_succeeded", succeeded) == 1)


async def test_missing_files_leave_the_former_certificate(tmp_path: Path) -> None:
    async with tls_gateway(tmp_path) as running:
        former = await asyncio.to_thread(running.serial_number)
        (tmp_path / "certificate.pem").rename(tmp_path / "away.pem")
        await asyncio.sleep(0.3)
        (tmp_path / "away.pem").rename(tmp_path / "certificate.pem")
        assert await asyncio.to_thread(running.serial_number) == former
        assert running.value("gateway_last_reload_succeeded", {"stage": "front"}) == 1


@pytest.mark.parametrize(
    ("believed", "client", "scheme"),
    [
        (["127.0.0.0/8"], "10.1.2.3", "https"),
        (["10.0.0.0/8"], "127.0.0.1", "http"),
        ([], "127.0.0.1", "http"),
    ],
)
async def test_only_named_proxies_are_believed(believed: list[str], client: str, scheme: str) -> None:
    async with upstreams("read") as (upstream,):
        settings = {"read_api": addresses_of([upstream]), "real_ip_from": believed}
        async with running_gateway(settings) as (port, _, _telemetry), aiohttp.ClientSession() as session:
            headers = {"X-Forwarded-For": "1.1.1.1, 10.1.2.3", "X-Forwarded-Proto": "https"}
            async with session.get(f"http://127.0.0.1:{port}{CLIP}", headers=headers) as answer:
                assert answer.status == 200
        seen = upstream.seen[0].headers
        assert (seen["X-Forwarded-For"], seen["X-Forwarded-Proto"]) == (client, scheme)

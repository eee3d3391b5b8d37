"""Instances and nginx itself come and go: who is connected to the gateway notices nothing."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.configuration import Service
from gateway.metrics import GatewayMetrics
from gateway.nginx_process import NginxFailed
from gateway.opening import supervising
from service_kit.settings import SettingsInvalid
from service_kit.telemetry import Telemetry
from support.certificates import write_certificate
from support.event_listeners import eventually
from support.gateways import V2, Gateway, gateway, gateway_settings, running_gateway
from support.nodes import free_ports
from support.some_names import SomeNames
from support.strict_readers import strict_readers
from support.upstreams import Upstream

FIRST, SECOND, THIRD = "127.0.0.2", "127.0.0.3", "127.0.0.4"
WAIT_SECONDS = 60.0


def path_of(number: int) -> str:
    return f"{V2}/clip/model/{number}"


@contextlib.asynccontextmanager
async def instances(*hosts: str) -> AsyncIterator[list[Upstream]]:
    """Yield running servers on these addresses, which all have the same port."""
    port = free_ports(1)[0]
    servers = []
    for host in hosts:
        server = Upstream(host)
        server.host, server.port = host, port
        servers.append(server)
    try:
        for server in servers:
            await server.start()
        yield servers
    finally:
        for server in servers:
            await server.stop()


async def test_instances_come_and_go_without_a_failed_read() -> None:
    async with instances(FIRST, SECOND) as (first, second):
        names = SomeNames(reads=(FIRST, SECOND))
        settings = {"read_api": [f"reads:{first.port}"], "workers": 2}
        async with running_gateway(settings, names) as (port, supervisor, telemetry):
            async with strict_readers(port, path_of) as readers:
                await readers.until(50)
                for host in (THIRD, SECOND):
                    await second.stop()
                    await readers.until(50)
                    names.addresses_by_name["reads"] = (FIRST,)
                    await eventually(lambda: len(supervisor.upstreams.addresses[Service.READ_API]) == 1)
                    second.host = host
                    second.seen.clear()
                    await second.start()
                    names.addresses_by_name["reads"] = (FIRST, host)
                    await eventually(lambda: bool(second.seen or readers.failures))
                await readers.until(50)
            assert readers.failures == []
            value = telemetry.registry.get_sample_value
            assert (value("gateway_reloads_total", {"stage": "back", "outcome": "done"}) or 0) >= 2
            assert value("gateway_reloads_total", {"stage": "front", "outcome": "done"}) is None


async def test_read_under_way_is_finished_by_who_began_it() -> None:
    finish = asyncio.Event()

    async def late(_: web.Request) -> web.Response:
        await finish.wait()
        return web.Response(text="late")

    async with instances(FIRST, SECOND) as (first, second):
        first.answer = late
        names = SomeNames(reads=(FIRST,))
        settings = {"read_api": [f"reads:{first.port}"], "answer_seconds": 30}
        async with running_gateway(settings, names) as running, aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{running[0]}"
            slow = asyncio.create_task(text_of(session, url + path_of(1)))
            await eventually(lambda: len(first.seen) == 1)
            names.addresses_by_name["reads"] = (SECOND,)
            while not second.seen:
                other = asyncio.create_task(text_of(session, url + path_of(2)))
                await asyncio.wait({other}, timeout=0.2)
                other.cancel()
            finish.set()
            assert await slow == "late"


async def text_of(session: aiohttp.ClientSession, url: str) -> str:
    async with session.get(url) as answer:
        return await answer.text()


async def test_name_without_an_address_is_a_readable_502_until_it_has_one() -> None:
    async with instances(FIRST) as (first,):
        names = SomeNames()
        settings = {"read_api": [f"reads:{first.port}"], "start_seconds": 0.1}
        async with (
            running_gateway(settings, names) as (port, _, _telemetry),
            aiohttp.ClientSession() as session,
        ):
            url = f"http://127.0.0.1:{port}{path_of(1)}"
            async with session.get(url) as answer:
                assert (answer.status, "detail" in await answer.json()) == (502, True)
            names.addresses_by_name["reads"] = (FIRST,)
            async with asyncio.timeout(WAIT_SECONDS):
                while (await session.get(url)).status != 200:  # noqa: ASYNC110 - it is the other side
                    await asyncio.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("stage", ["front", "back"])
async def test_nginx_that_ends_is_started_again(stage: str, number: signal.Signals) -> None:
    async with gateway() as running:
        process = getattr(running.supervisor, stage).process
        former = process.pid
        os.kill(former, number)
        await eventually(lambda: process.pid != former and process.running)
        await until_served(running)
        restarts = running.telemetry.registry.get_sample_value(
            "gateway_nginx_restarts_total", {"stage": stage}
        )
    assert restarts == 1


async def until_served(running: Gateway) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                if (await running.get(path_of(1))).status == 200:
                    return
            await asyncio.sleep(0.02)


async def test_state_directory_of_a_running_gateway_is_refused(tmp_path: Path) -> None:
    async with gateway() as running:
        state_dir = running.supervisor.front.process.status_socket.parent
        settings = await asyncio.to_thread(gateway_settings, tmp_path, state_dir=state_dir)
        with pytest.raises(SettingsInvalid, match="another gateway runs"):
            async with supervising(settings, GatewayMetrics(Telemetry("other"))):
                pass
        assert (await running.get(path_of(1))).status == 200


async def test_state_directory_that_others_may_write_to_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="others may write"):
        async with running_gateway({"state_dir": Path("/tmp")}):
            pass


async def test_port_that_is_taken_is_said_and_leaves_no_nginx(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway() as running:
        with pytest.raises(NginxFailed, match="Address already in use"):
            async with running_gateway({"port": running.port}):
                pass
        assert (await running.get(path_of(1))).status == 200
    assert caplog.records


async def test_nginx_that_is_not_installed_is_said() -> None:
    with pytest.raises(NginxFailed, match="no-such-nginx is not installed"):
        async with running_gateway({"nginx": "no-such-nginx"}):
            pass


async def test_certificate_that_nginx_refuses_stops_the_start(tmp_path: Path) -> None:
    certificate, _ = write_certificate(tmp_path / "one")
    _, key = write_certificate(tmp_path / "other")
    settings = {"tls_certificate": certificate, "tls_key": key, "tls_port": free_ports(1)[0]}
    with pytest.raises(NginxFailed, match="key values mismatch"):
        async with running_gateway(settings):
            pass


async def test_what_nginx_counts_is_told() -> None:
    async with gateway() as running:
        for number in range(5):
            await running.get(path_of(number))
        await running.reads[0].stop()
        await running.get(path_of(6))
        value = running.telemetry.registry.get_sample_value
        await eventually(lambda: (value("gateway_requests_total") or 0) >= 6)
        assert value("gateway_server_errors_total", {"status": "502", "way": "reads"}) == 1
        assert (value("gateway_connections_accepted_total") or 0) >= 1
        assert value("gateway_nginx_up", {"stage": "back"}) == 1
        assert value("gateway_certificate_expiry_timestamp_seconds") == 0

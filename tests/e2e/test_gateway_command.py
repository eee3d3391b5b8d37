"""`horde-reference gateway` as a process of its own."""

import asyncio
import json
import os
import signal
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from stack.gateway import GatewayPlan, find_nginx, gateway_environment, short_folder
from support.event_listeners import eventually
from support.gateways import V2
from support.nodes import free_ports
from support.processes import ServiceProcess, run_command, service
from support.servers import missing
from support.upstreams import Upstream, upstreams

CLIP = f"{V2}/clip"


@pytest.fixture(autouse=True)
def nginx() -> None:
    if find_nginx() is None:
        missing("nginx is not installed")


def variables(folder: Path, upstream: Upstream, **more: object) -> dict[str, str]:
    port, admin_port = free_ports(2)
    plan = GatewayPlan(port=port, admin_port=admin_port, read_ports=[upstream.port], workers=1, more=more)
    return gateway_environment(folder, plan)


def url_of(chosen: dict[str, str], name: str = "PORT") -> str:
    return f"http://127.0.0.1:{chosen[f'HORDE_MODEL_REFERENCE_GATEWAY_{name}']}"


def admin_port(chosen: dict[str, str]) -> int:
    return int(chosen["HORDE_MODEL_REFERENCE_GATEWAY_ADMIN_PORT"])


def lines_of(process: ServiceProcess, log: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in process.output.splitlines()]
    return [line for line in lines if line["log"] == log]


async def test_stop_lets_requests_finish_and_leaves_nothing() -> None:
    finish = asyncio.Event()

    async def late(_: web.Request) -> web.Response:
        await finish.wait()
        return web.Response(text="late")

    with short_folder("gateway-") as folder:
        async with upstreams("read") as (upstream,), aiohttp.ClientSession() as session:
            upstream.answer = late
            chosen = variables(folder, upstream, DRAIN_SECONDS=15)
            async with service("gateway", {}, port=admin_port(chosen), variables=chosen) as process:
                await process.wait_until("/ready", 200)
                asked = asyncio.create_task(session.get(url_of(chosen) + CLIP))
                await eventually(lambda: len(upstream.seen) == 1)
                stopped = asyncio.create_task(process.stop())
                await eventually(lambda: "stopping nginx" in process.output, 60)
                assert not stopped.done()
                finish.set()
                assert await (await asked).text() == "late"
                assert await stopped == 0
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(url_of(chosen) + CLIP)
        assert nginx_processes(folder) == []


def nginx_processes(folder: Path) -> list[int]:
    """Return every nginx that works below the folder."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(folder):
                found.append(int(link.parent.name))
        except OSError:
            continue
    return found


async def test_killed_supervisor_is_followed_by_one_that_works() -> None:
    with short_folder("gateway-") as folder:
        async with upstreams("read") as (upstream,), aiohttp.ClientSession() as session:
            chosen = variables(folder, upstream)
            async with service("gateway", {}, port=admin_port(chosen), variables=chosen) as process:
                await process.wait_until("/ready", 200)
                os.kill(process.process.pid, signal.SIGKILL)
                await eventually(lambda: process.process.returncode is not None)
                former = nginx_processes(folder)
                assert former != []
                async with session.get(url_of(chosen) + CLIP) as answer:
                    assert answer.status == 200
                async with service("gateway", {}, port=admin_port(chosen), variables=chosen) as next_one:
                    await next_one.wait_until("/ready", 200)
                    assert not set(former) & set(nginx_processes(folder))
                    await process.process.wait()  # nobody holds its output any more
                    async with session.get(url_of(chosen) + CLIP) as answer:
                        assert answer.status == 200


async def test_each_request_is_a_line_without_keys() -> None:
    with short_folder("gateway-") as folder:
        async with upstreams("read") as (upstream,), aiohttp.ClientSession() as session:
            chosen = variables(folder, upstream, ACCESS_LOG="true")
            async with service("gateway", {}, port=admin_port(chosen), variables=chosen) as process:
                await process.wait_until("/ready", 200)
                headers = {"X-Request-ID": "mine-1", "User-Agent": 'an "agent"'}
                for query in ("", "?limit=2", "?apikey=secret", "?api%4bEy=secret"):
                    async with session.get(f"{url_of(chosen)}{CLIP}{query}", headers=headers) as answer:
                        assert answer.headers["X-Request-ID"] == "mine-1"
                await upstream.stop()
                async with session.get(f"{url_of(chosen)}{CLIP}?other") as answer:
                    assert answer.status == 502
                    made = answer.headers["X-Request-ID"]
                await process.stop()
    lines = lines_of(process, "access")
    assert [line["path"] for line in lines] == [
        CLIP,
        f"{CLIP}?limit=2",
        f"{CLIP}?(left out)",
        f"{CLIP}?(left out)",
        f"{CLIP}?other",
    ]
    assert [line["status"] for line in lines] == [200, 200, 200, 200, 502]
    assert [line["request_id"] for line in lines] == ["mine-1"] * 4 + [made]
    assert (lines[0]["service"], lines[0]["agent"], lines[0]["way"]) == ("gateway", 'an "agent"', "reads")
    assert upstream.seen[0].headers["X-Request-ID"] == "mine-1"
    assert "secret" not in process.output
    assert any(
        "connect() failed" in str(line["message"]) for line in lines_of(process, "gateway.nginx_process")
    )


async def test_supervisor_tells_how_it_is() -> None:
    with short_folder("gateway-") as folder:
        async with upstreams("read") as (upstream,), aiohttp.ClientSession() as session:
            chosen = variables(folder, upstream)
            async with service("gateway", {}, port=admin_port(chosen), variables=chosen) as process:
                await process.wait_until("/live", 200)
                async with session.get(process.root_url + "/ready") as answer:
                    assert await answer.json() == {
                        "status": "ready",
                        "checks": {"nginx": "ok", "read_api": "ok"},
                    }
                async with session.get(process.root_url + "/metrics") as answer:
                    text = await answer.text()
                assert 'gateway_upstream_addresses{upstream="read-api"} 1.0' in text
                assert 'gateway_nginx_up{stage="front"} 1.0' in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"STATS": "nonsense"}, "HORDE_MODEL_REFERENCE_GATEWAY_STATS: not HOST:PORT"),
        ({"TLS_CERTIFICATE": "/no/c.pem", "TLS_KEY": "/no/k.pem"}, "TLS_CERTIFICATE: No such file"),
        ({"NGINX": "no-such-nginx"}, "no-such-nginx is not installed"),
        ({"STATE_DIR": "/proc/gateway"}, "STATE_DIR: "),
        ({"ADMIN_HOST": "192.0.2.1"}, "HORDE_MODEL_REFERENCE_GATEWAY_ADMIN_HOST"),
    ],
)
async def test_what_cannot_work_is_said_in_a_line(more: dict[str, str], words: str, tmp_path: Path) -> None:
    named = {f"GATEWAY_{name}": value for name, value in more.items()}
    settings = {"GATEWAY_STATE_DIR": str(tmp_path / "state"), "GATEWAY_ADMIN_PORT": "0", **named}
    status, _, err = await run_command("gateway", settings=settings)
    assert status == 1
    assert words in err.splitlines()[-1]
    assert "Traceback" not in err


async def test_signal_while_it_waits_for_names_ends_it() -> None:
    with short_folder("gateway-") as folder:
        async with upstreams("read") as (upstream,):
            chosen = variables(
                folder, upstream, READ_API="nobody.invalid:1", START_SECONDS=60, HOSTS_FILE="/dev/null"
            )
            async with service("gateway", {}, port=admin_port(chosen), variables=chosen) as process:
                await eventually(lambda: "has no address" in process.output, 60)
                assert await process.stop() == 0
        assert nginx_processes(folder) == []

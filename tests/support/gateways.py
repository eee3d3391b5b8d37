"""A gateway with small upstreams behind it, and clients that send exactly what they are told to."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gateway.metrics import GatewayMetrics
from gateway.opening import supervising
from gateway.resolving import Resolver
from gateway.settings import GatewaySettings
from gateway.supervisor import Supervisor
from service_kit.telemetry import Telemetry
from stack.gateway import find_nginx, short_folder
from support.nodes import free_ports
from support.servers import missing
from support.upstreams import Upstream, upstreams

HASTY = {"answer_seconds": 1, "stats_seconds": 2, "client_seconds": 1}
"""The shortest limits, where the test waits for one."""

Result = TypeVar("Result")
V1 = "/api/model_references/v1"
V2 = "/api/model_references/v2"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway, the servers behind it, and a client of it."""

    port: int
    supervisor: Supervisor
    telemetry: Telemetry
    reads: Sequence[Upstream]
    writes: Sequence[Upstream]
    stats: Sequence[Upstream]
    session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        data: bytes | None = None,
    ) -> Reply:
        """Send a request whose path is on the wire as it is here."""
        url = URL(self.url + path, encoded=True)
        named = CIMultiDict(headers or {})
        async with self.session.request(
            method, url, headers=named, data=data, allow_redirects=False
        ) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send(
            "GET", path, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    async def raw(self, request: bytes, *, timeout_seconds: float = 60.0) -> bytes:
        """Send bytes over a connection of their own, and return all that comes until it is ended or reset."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(timeout_seconds):
                writer.write(request)
                await writer.drain()
                return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def gateway(
    reads: int = 1, writes: int = 1, stats: int = 1, **changes: object
) -> AsyncIterator[Gateway]:
    """Run the gateway before so many upstreams of each kind. Skips the test where nginx is not installed."""
    kinds = {"read": reads, "write": writes, "stats": stats}
    names = [f"{kind}-{n}" for kind, count in kinds.items() for n in range(count)]
    async with upstreams(*names) as servers, contextlib.AsyncExitStack() as stack:
        read, write, other = servers[:reads], servers[reads : reads + writes], servers[reads + writes :]
        settings = {
            "read_api": addresses_of(read),
            "write_queue": addresses_of(write),
            "stats": addresses_of(other),
            "max_body_bytes": 1024 * 1024,
            **changes,
        }
        port, supervisor, telemetry = await stack.enter_async_context(running_gateway(settings))
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, auto_decompress=False)
        )
        session.headers.clear()
        yield Gateway(port, supervisor, telemetry, read, write, other, session)


def addresses_of(servers: Sequence[Upstream]) -> list[str]:
    return [f"127.0.0.1:{server.port}" for server in servers]


@contextlib.asynccontextmanager
async def running_gateway(
    settings: Mapping[str, object], resolver: Resolver | None = None
) -> AsyncIterator[tuple[int, Supervisor, Telemetry]]:
    """Run nginx and its supervisor, which is in this process; yield the port too."""
    if find_nginx() is None:
        missing("nginx is not installed")
    telemetry = Telemetry("gateway")
    with short_folder("gateway-") as folder:
        chosen = await asyncio.to_thread(gateway_settings, folder, **settings)
        async with supervising(chosen, GatewayMetrics(telemetry), resolver) as supervisor:
            yield chosen.port, supervisor, telemetry


def gateway_settings(folder: Path, **settings: object) -> GatewaySettings:
    """Return settings with a free port, and limits that are patient with a machine that stalls."""
    return GatewaySettings.model_validate(
        {
            "listen": ["127.0.0.1"],
            "port": free_ports(1)[0],
            "state_dir": folder / "state",
            "workers": 1,
            "answer_seconds": 8,
            "stats_seconds": 8,
            "client_seconds": 20,
            "drain_seconds": 1,
            "resolve_seconds": 0.05,
            "access_log": False,
            **settings,
        }
    )


async def begin_of_a_second() -> None:
    """Wait until a second of the clock has just begun: entries of the cache end with it."""
    await asyncio.sleep(1.02 - time.time() % 1)


async def within_a_second(ask: Callable[[], Awaitable[Result]]) -> Result:
    """Ask at the begin of a second; again, should the machine have been so slow that it ended meanwhile."""
    while True:
        await begin_of_a_second()
        second = int(time.time())
        result = await ask()
        if int(time.time()) == second:
            return result

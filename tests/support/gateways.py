"""A gateway with small upstreams behind it, and clients that send exactly what they are told to."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from stack.child import Child
from stack.gateway import GatewayPlan, find_nginx, gateway_recipe, short_folder
from support.nodes import free_ports
from support.servers import missing
from support.upstreams import Upstream, upstreams

ANSWER_SECONDS = 1  # the shortest, so that tests need not wait long
STATS_SECONDS = 2
CLIENT_SECONDS = 1
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

    child: Child
    reads: Sequence[Upstream]
    writes: Sequence[Upstream]
    stats: Sequence[Upstream]
    session: aiohttp.ClientSession

    async def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        data: bytes | None = None,
    ) -> Reply:
        """Send a request whose path is on the wire as it is here."""
        url = URL(self.child.url + path, encoded=True)
        named = CIMultiDict(headers or {})
        async with self.session.request(
            method, url, headers=named, data=data, allow_redirects=False
        ) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send(
            "GET", path, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    async def raw(self, request: bytes, *, timeout_seconds: float = 15.0) -> bytes:
        """Send bytes over a connection of their own, and return all that comes until it is ended or reset."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.child.port)
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
    reads: int = 1, writes: int = 1, stats: int = 1, *, max_body_bytes: int = 1024 * 1024
) -> AsyncIterator[Gateway]:
    """Run nginx before so many upstreams of each kind. Skips the test where nginx is not installed."""
    if find_nginx() is None:
        missing("nginx is not installed")
    kinds = {"read": reads, "write": writes, "stats": stats}
    names = [f"{kind}-{n}" for kind, count in kinds.items() for n in range(count)]
    async with contextlib.AsyncExitStack() as stack:
        servers = await stack.enter_async_context(upstreams(*names))
        folder = stack.enter_context(short_folder("gateway-"))
        read, write, other = servers[:reads], servers[reads : reads + writes], servers[reads + writes :]
        plan = GatewayPlan(
            port=free_ports(1)[0],
            read_ports=[server.port for server in read],
            write_ports=[server.port for server in write],
            stats_ports=[server.port for server in other],
            workers=1,
            max_body_bytes=max_body_bytes,
            answer_seconds=ANSWER_SECONDS,
            stats_seconds=STATS_SECONDS,
            client_seconds=CLIENT_SECONDS,
        )
        child = Child(gateway_recipe(folder, plan))
        stack.push_async_callback(child.kill)
        await child.start()
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, auto_decompress=False)
        )
        session.headers.clear()
        yield Gateway(child, read, write, other, session)


async def begin_of_a_second() -> None:
    """Wait until a second of the clock has just begun: entries of the cache end with it."""
    await asyncio.sleep(1.02 - time.time() % 1)

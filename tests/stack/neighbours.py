"""The servers the services lean on: RabbitMQ, Redis and SeaweedFS, private to one stack."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from stack.child import StackFailed
from stack.gateway import find_nginx
from support.fault_proxy import FaultProxy
from support.nodes import Node, NodeFailed, RabbitNode, RedisNode, S3Node, find_redis, find_weed
from support.servers import BUCKET, make_bucket

Neighbour = Literal["rabbit", "redis", "s3"]
SomeNode = TypeVar("SomeNode", bound=Node)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The running servers; where faults are to be made on the way to them, each behind a proxy."""

    rabbit: RabbitNode
    redis: RedisNode
    s3: S3Node
    proxies: dict[Neighbour, FaultProxy]

    def node(self, name: Neighbour) -> Node:
        nodes: Mapping[Neighbour, Node] = {"rabbit": self.rabbit, "redis": self.redis, "s3": self.s3}
        return nodes[name]

    @property
    def ports(self) -> dict[Neighbour, int]:
        """The servers' own ports."""
        return {"rabbit": self.rabbit.port, "redis": self.redis.port, "s3": self.s3.port}

    def settings(self, *, direct: bool = False) -> dict[str, str]:
        """Return the services' settings, without the common prefix; `direct` goes around the proxies."""
        proxied = {} if direct else {name: proxy.port for name, proxy in self.proxies.items()}
        ports = {**self.ports, **proxied}
        rabbit, redis, s3 = ports["rabbit"], ports["redis"], ports["s3"]
        return {
            "AMQP__URL": self.rabbit.url.replace(f":{self.rabbit.port}/", f":{rabbit}/"),
            "REDIS__URL": f"redis://127.0.0.1:{redis}/0",
            "S3__ENDPOINT_URL": f"http://127.0.0.1:{s3}",
            "S3__BUCKET": BUCKET,
            "S3__ACCESS_KEY": self.s3.access_key,
            "S3__SECRET_KEY": self.s3.secret_key,
        }

    async def kill(self, name: Neighbour) -> None:
        """End the server at once; its data stays."""
        await asyncio.to_thread(self.node(name).kill)

    async def start(self, name: Neighbour) -> None:
        """Start it again on the same data and port. Raises `NodeFailed`."""
        await asyncio.to_thread(self.node(name).start)

    def freeze(self, name: Neighbour) -> None:
        """Let connections stay open and nothing answer."""
        self.node(name).freeze()

    def thaw(self, name: Neighbour) -> None:
        """Let it go on."""
        self.node(name).thaw()


def require_programs() -> None:
    """Raise `StackFailed` that names everything that is missing, and where it comes from."""
    lacking = [] if find_nginx() else ["nginx (apt-get install nginx-light)"]
    if not Path(RabbitNode.SERVER).is_file():
        lacking.append("RabbitMQ (apt-get install rabbitmq-server)")
    for find, name in (
        (find_redis, "Redis (apt-get install redis-server)"),
        (find_weed, "SeaweedFS (make setup)"),
    ):
        try:
            find()
        except NodeFailed:
            lacking.append(name)
    if shutil.which("setpriv") is None:
        lacking.append("setpriv (apt-get install util-linux)")
    if lacking:
        raise StackFailed("the stack needs programs that are not installed: " + ", ".join(lacking))


@contextlib.asynccontextmanager
async def running_neighbours(folder: Path, *, through_proxies: bool = False) -> AsyncIterator[Neighbours]:
    """Start the three servers at once, with an empty bucket unless the folder holds an older one."""
    async with contextlib.AsyncExitStack() as stack:
        rabbit, redis, s3 = RabbitNode(folder), RedisNode(folder), S3Node(folder)
        for node in (rabbit, redis, s3):
            stack.push_async_callback(_end, node)
        starts = (asyncio.to_thread(_start_with_bucket, s3), *(_start(node) for node in (rabbit, redis)))
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        neighbours = Neighbours(rabbit, redis, s3, {})
        if through_proxies:
            for name, port in neighbours.ports.items():
                neighbours.proxies[name] = await stack.enter_async_context(FaultProxy("127.0.0.1", port))
        yield neighbours


async def _start(node: Node) -> None:
    await asyncio.to_thread(node.start)


def _start_with_bucket(node: S3Node) -> None:
    node.start()
    make_bucket(node)


async def _end(node: Node) -> None:
    await asyncio.to_thread(node.__exit__, None, None, None)

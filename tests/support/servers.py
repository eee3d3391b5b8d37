"""Real servers for the whole test session, and settings to reach them."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session
from pydantic import SecretStr
from yarl import URL

from service_kit.settings import AmqpSettings, RedisSettings, S3Settings
from support.nodes import NodeFailed, RabbitNode, RedisNode, S3Node
from support.server_choice import address_of, choose, given_address
from support.server_nodes import RabbitServerNode, RedisServerNode, S3ServerNode, ServerNode
from support.serving import LOOPBACK

Node = TypeVar("Node", bound=ServerNode)

BUCKET = "catalogue"


@dataclass(frozen=True, slots=True)
class S3Server:
    """A bucket; each test takes a prefix of its own."""

    endpoint: str
    access_key: str
    secret_key: str

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        return address_of(self.endpoint)

    def settings(self, *, port: int | None = None, **changes: object) -> S3Settings:
        """Return settings for a fresh prefix, through a proxy on another `port` of loopback if given."""
        values = {
            "endpoint_url": through(self.endpoint, port),
            "bucket": BUCKET,
            "prefix": f"test-{secrets.token_hex(6)}/",
            "access_key": self.access_key,
            "secret_key": SecretStr(self.secret_key),
        }
        return S3Settings.model_validate({**values, **changes})

    def environment(self, *, port: int | None = None) -> dict[str, str]:
        """Return the same as environment variables without their common prefix."""
        settings = self.settings(port=port)
        return {
            "S3__ENDPOINT_URL": settings.endpoint_url,
            "S3__BUCKET": settings.bucket,
            "S3__PREFIX": settings.prefix,
            "S3__ACCESS_KEY": settings.access_key,
            "S3__SECRET_KEY": settings.secret_key.get_secret_value(),
        }


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A Redis; each test takes a key prefix of its own."""

    url: str

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        return address_of(self.url)

    def settings(self, *, port: int | None = None, **changes: object) -> RedisSettings:
        """Return settings for a fresh prefix, through a proxy on another `port` of loopback if given.

        They are patient with a machine that stalls; a test of a server that hangs gives its own limits.
        """
        values = {
            "url": SecretStr(through(self.url, port)),
            "key_prefix": f"test-{secrets.token_hex(6)}",
            "connect_timeout_seconds": 20.0,
            "call_timeout_seconds": 20.0,
        }
        return RedisSettings.model_validate({**values, **changes})


PATIENT: Final = {
    "connect_timeout_seconds": 20.0,
    "publish_timeout_seconds": 20.0,
    "close_timeout_seconds": 5.0,
    "drain_seconds": 20.0,
    "heartbeat_seconds": 60,
    "first_pause_seconds": 0.05,
    "max_pause_seconds": 0.3,
}
"""Times of an event bus on a machine that stalls: a confirmation that is late would be sent for again."""

HASTY: Final[dict[str, Any]] = {
    "connect_timeout_seconds": 1.0,
    "publish_timeout_seconds": 0.5,
    "close_timeout_seconds": 0.5,
    "drain_seconds": 0.5,
    "heartbeat_seconds": 1,
}
"""Times for a broker that hangs, where the test waits for them."""


@dataclass(frozen=True, slots=True)
class RabbitServer:
    """A RabbitMQ; each test takes an exchange of its own, and names its queues after it."""

    url: str
    own_node: RabbitServerNode | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        return address_of(self.url)

    @property
    def node(self) -> RabbitServerNode:
        """Return the server that a test may kill; skips the test if it is not ours."""
        if self.own_node is None:
            pytest.skip("a broker that somebody offers is not killed")
        return self.own_node

    def settings(self, *, port: int | None = None, **changes: object) -> AmqpSettings:
        """Return settings for a fresh exchange, through a proxy on another `port` of loopback if given."""
        url = through(self.url, port)
        values = {"url": SecretStr(url), "exchange": f"test-{secrets.token_hex(6)}", **PATIENT}
        return AmqpSettings.model_validate({**values, **changes})

    def environment(self, *, port: int | None = None) -> dict[str, str]:
        """Return the same as environment variables without their common prefix."""
        settings = self.settings(port=port)
        return {"AMQP__URL": settings.url.get_secret_value(), "AMQP__EXCHANGE": settings.exchange}


def through(url: str, port: int | None) -> str:
    """Return the URL of the same through a proxy on a port of loopback; None: the URL itself."""
    return url if port is None else str(URL(url).with_host(LOOPBACK).with_port(port))


def private_s3(root: Path) -> S3ServerNode:
    """Return an S3 server that is not started yet. Raises `NodeFailed`."""
    if choose("S3").way == "program":
        return S3Node(root)
    from support.container_nodes import S3ContainerNode  # noqa: PLC0415 - heavy, and rarely needed

    return S3ContainerNode()


def private_redis(root: Path, *, arguments: Sequence[str] = ()) -> RedisServerNode:
    """Return a Redis that is not started yet. Raises `NodeFailed`."""
    if choose("Redis").way == "program":
        return RedisNode(root, arguments=arguments)
    from support.container_nodes import RedisContainerNode  # noqa: PLC0415 - heavy, and rarely needed

    return RedisContainerNode(arguments=arguments)


def private_rabbit(root: Path) -> RabbitServerNode:
    """Return a RabbitMQ that is not started yet. Raises `NodeFailed`."""
    if choose("RabbitMQ").way == "program":
        return RabbitNode(root)
    from support.container_nodes import RabbitContainerNode  # noqa: PLC0415 - heavy, and rarely needed

    return RabbitContainerNode()


@contextlib.contextmanager
def started(make: Callable[[], Node]) -> Iterator[Node]:
    """Yield a server of the test alone, which it may kill, and leave nothing of it behind."""
    with contextlib.ExitStack() as stack:
        try:
            node = make()
            stack.enter_context(node)
        except NodeFailed as error:
            missing(str(error))
        yield node


@contextlib.contextmanager
def running_s3(root: Path) -> Iterator[S3Server]:
    if endpoint := given_address("S3"):
        offered = S3Server(
            endpoint, os.environ.get("TEST_S3_ACCESS_KEY", ""), os.environ.get("TEST_S3_SECRET_KEY", "")
        )
        make_bucket(offered)
        yield offered
        return
    with started(partial(private_s3, root)) as node:
        make_bucket(node)
        yield S3Server(node.endpoint, node.access_key, node.secret_key)


@contextlib.contextmanager
def running_redis(root: Path) -> Iterator[RedisServer]:
    if url := given_address("Redis"):
        yield RedisServer(url)
        return
    with started(partial(private_redis, root)) as node:
        yield RedisServer(node.url)


@contextlib.contextmanager
def running_rabbit(root: Path) -> Iterator[RabbitServer]:
    if url := given_address("RabbitMQ"):
        yield RabbitServer(url)
        return
    with started(partial(private_rabbit, root)) as node:
        yield RabbitServer(node.url, node)


def missing(reason: str) -> NoReturn:
    """Skip the test at home, fail it in CI, where every server must be there."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def make_bucket(server: S3Server | S3ServerNode, name: str = BUCKET) -> None:
    """Make the bucket unless it is there."""
    client: Any = Session().create_client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        config=Config(s3={"addressing_style": "path"}),
    )
    with contextlib.closing(client):
        try:
            client.create_bucket(Bucket=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise

"""Real servers for the whole test session, and settings to reach them."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
from botocore.config import Config
from botocore.session import Session
from pydantic import SecretStr

from service_kit.settings import AmqpSettings, RedisSettings, S3Settings
from support.nodes import NodeFailed, RabbitNode, RedisNode, S3Node

BUCKET = "catalogue"


@dataclass(frozen=True, slots=True)
class S3Server:
    """A SeaweedFS with one bucket; each test takes a prefix of its own."""

    node: S3Node

    def settings(self, *, port: int | None = None, **changes: object) -> S3Settings:
        """Return settings for a fresh prefix, through another `port` (a proxy's) if given."""
        values = {
            "endpoint_url": f"http://127.0.0.1:{port or self.node.port}",
            "bucket": BUCKET,
            "prefix": f"test-{secrets.token_hex(6)}/",
            "access_key": self.node.access_key,
            "secret_key": SecretStr(self.node.secret_key),
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

    def settings(self, **changes: object) -> RedisSettings:
        values = {"url": SecretStr(self.url), "key_prefix": f"test-{secrets.token_hex(6)}"}
        return RedisSettings.model_validate({**values, **changes})


QUICK: Final = {
    "connect_timeout_seconds": 1.0,
    "publish_timeout_seconds": 0.5,
    "close_timeout_seconds": 0.5,
    "drain_seconds": 0.5,
    "heartbeat_seconds": 1,
    "first_pause_seconds": 0.05,
    "max_pause_seconds": 0.3,
}
"""Times of an event bus whose tests wait for them."""


@dataclass(frozen=True, slots=True)
class RabbitServer:
    """A RabbitMQ; each test takes an exchange of its own, and names its queues after it."""

    node: RabbitNode

    def settings(self, *, port: int | None = None, **changes: object) -> AmqpSettings:
        """Return settings for a fresh exchange, through another `port` (a proxy's) if given."""
        url = self.node.url.replace(f":{self.node.port}/", f":{port or self.node.port}/")
        values = {"url": SecretStr(url), "exchange": f"test-{secrets.token_hex(6)}", **QUICK}
        return AmqpSettings.model_validate({**values, **changes})

    def environment(self, *, port: int | None = None) -> dict[str, str]:
        """Return the same as environment variables without their common prefix."""
        settings = self.settings(port=port)
        return {"AMQP__URL": settings.url.get_secret_value(), "AMQP__EXCHANGE": settings.exchange}


@contextlib.contextmanager
def running_s3(root: Path) -> Iterator[S3Server]:
    try:
        node = S3Node(root)
        node.start()
    except NodeFailed as error:
        missing(str(error))
    with contextlib.ExitStack() as stack:
        stack.callback(node.kill)
        make_bucket(node)
        yield S3Server(node)


@contextlib.contextmanager
def running_redis(root: Path) -> Iterator[RedisServer]:
    if url := os.environ.get("TEST_REDIS_URL"):  # a developer's own, or one that CI offers
        yield RedisServer(url)
        return
    try:
        node = RedisNode(root)
        node.start()
    except NodeFailed as error:
        missing(str(error))
    with contextlib.ExitStack() as stack:
        stack.callback(node.kill)
        yield RedisServer(node.url)


@contextlib.contextmanager
def running_rabbit(root: Path) -> Iterator[RabbitServer]:
    with contextlib.ExitStack() as stack:
        try:
            node = stack.enter_context(RabbitNode(root))
        except NodeFailed as error:
            missing(str(error))
        yield RabbitServer(node)


def missing(reason: str) -> NoReturn:
    """Skip the test at home, fail it in CI, where every server must be there."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def make_bucket(node: S3Node, name: str = BUCKET) -> None:
    client: Any = Session().create_client(
        "s3",
        endpoint_url=node.endpoint,
        region_name="us-east-1",
        aws_access_key_id=node.access_key,
        aws_secret_access_key=node.secret_key,
        config=Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket=name)
    client.close()

"""What tests may do to a server of theirs, whether it is a process of this machine or a container."""

from types import TracebackType
from typing import Protocol, Self


class ServerNode(Protocol):
    """A server on one port of loopback that stays the same, with data that survive `kill()`."""

    @property
    def port(self) -> int: ...

    @property
    def running(self) -> bool:
        """Whether it was started and not killed since; frozen counts as running."""

    def start(self) -> None:
        """Start it and wait until it answers. Raises `NodeFailed`."""

    def spawn(self) -> None:
        """Start it without waiting."""

    def wait_until_ready(self) -> None:
        """Wait until it answers. Raises `NodeFailed`."""

    def kill(self) -> None:
        """End it at once, as a crash does."""

    def freeze(self) -> None:
        """Let connections stay open and nothing answer."""

    def thaw(self) -> None:
        """Let it go on; one that is not frozen is left alone."""

    def __enter__(self) -> Self:
        """Start it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it and leave nothing behind."""


class RedisServerNode(ServerNode, Protocol):
    """A Redis."""

    @property
    def url(self) -> str: ...


class RabbitServerNode(ServerNode, Protocol):
    """A RabbitMQ."""

    @property
    def url(self) -> str: ...


class S3ServerNode(ServerNode, Protocol):
    """An S3 server."""

    @property
    def endpoint(self) -> str: ...

    @property
    def access_key(self) -> str: ...

    @property
    def secret_key(self) -> str: ...

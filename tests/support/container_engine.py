"""The Docker engine of the tests, if there is one: fit for testcontainers, and swept of old containers."""

import atexit
import contextlib
import functools
import os
import socket
import weakref
from pathlib import Path
from typing import Final

import docker.errors  # type: ignore[import-untyped]  # it has no types
from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from support.nodes import NodeFailed
from support.serving import LOOPBACK

HOST_LABEL: Final = "horde-reference.tests.host"
PROCESS_LABEL: Final = "horde-reference.tests.process"
PROBE_SECONDS: Final = 5
UNIX: Final = "unix://"
DEFAULT_ENGINE: Final = "unix:///var/run/docker.sock"
ENGINE_ERRORS: Final = (docker.errors.DockerException, OSError)

_alive: "weakref.WeakSet[DockerContainer]" = weakref.WeakSet()


@functools.cache
def engine_version() -> str:
    """Return the version of the engine that answers. Raises `NodeFailed`."""
    try:
        _knock()
        client = DockerClient(timeout=PROBE_SECONDS).client
        with contextlib.closing(client):
            version = str(client.version()["Version"])
            _configure_testcontainers(client)
            _remove_forgotten(client)
    except ENGINE_ERRORS as error:
        raise NodeFailed(f"no Docker engine answers: {type(error).__name__}") from error
    return version


def fetched_image(name: str) -> str:
    """Return the name of an image that the engine has, or gets now. Raises `NodeFailed`."""
    engine_version()
    try:
        with contextlib.closing(DockerClient().client) as client:
            if not client.images.list(name):
                client.images.pull(name)
    except ENGINE_ERRORS as error:
        raise NodeFailed(f"the image {name} cannot be had: {type(error).__name__}") from error
    return name


def labels() -> dict[str, str]:
    """Return what tells whose container it is, when nobody is left to remove it."""
    return {HOST_LABEL: socket.gethostname(), PROCESS_LABEL: _process(os.getpid())}


def remember(container: DockerContainer) -> None:
    """Remove the container at the end of this process, if nobody did before."""
    if not _alive:
        atexit.register(_remove_all)
    _alive.add(container)


def forget(container: DockerContainer) -> None:
    """Remove the container and its volumes now."""
    _alive.discard(container)
    with contextlib.suppress(docker.errors.NotFound):
        container.stop()


def _knock() -> None:
    """Raise `OSError` if nobody listens on the engine's socket: the driver would leave an open one behind."""
    address = os.environ.get("DOCKER_HOST", DEFAULT_ENGINE)
    if address.startswith(UNIX):
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(PROBE_SECONDS)
            knocking.connect(address.removeprefix(UNIX))


def _configure_testcontainers(client: docker.DockerClient) -> None:
    """Reach containers through their published ports, and do without Ryuk where its image cannot be had."""
    testcontainers_config.tc_host_override = LOOPBACK
    testcontainers_config.connection_mode_override = ConnectionMode.docker_host
    try:
        client.images.get(testcontainers_config.ryuk_image)
    except docker.errors.ImageNotFound:
        testcontainers_config.ryuk_disabled = True


def _remove_forgotten(client: docker.DockerClient) -> None:
    """Remove what tests left that were killed, of this machine only: others' processes cannot be seen."""
    ours = {"label": f"{HOST_LABEL}={socket.gethostname()}"}
    for container in client.containers.list(all=True, filters=ours, ignore_removed=True):
        owner = container.labels.get(PROCESS_LABEL, "")
        if owner != _process(int(owner.partition(":")[0] or 0)):
            with contextlib.suppress(docker.errors.APIError):  # another worker removes it just now
                container.remove(force=True, v=True)


def _process(pid: int) -> str:
    """Return what names a process for good, though its number is used again: with the time of its start."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return f"{pid}:gone"
    return f"{pid}:{stat.rpartition(')')[2].split()[19]}"


def _remove_all() -> None:
    for container in list(_alive):
        with contextlib.suppress(*ENGINE_ERRORS):
            container.stop()

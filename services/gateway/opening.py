"""Makes a supervisor for this machine: its nginx, its addresses, and a state directory of its own."""

import asyncio
import contextlib
import fcntl
import logging
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from gateway.configuration import SNIPPETS, Machine, Stage
from gateway.held_ports import HeldPorts, wanted_addresses
from gateway.metrics import GatewayMetrics
from gateway.nginx_process import NginxProcess, find_nginx, nginx_version
from gateway.resolving import HostsFileResolver, Resolver, SystemResolver
from gateway.server_errors import counting
from gateway.settings import GATEWAY_PREFIX, GatewaySettings
from gateway.supervisor import Supervisor
from service_kit.settings import SettingsInvalid

OPEN_FILES: Final = 65536
WRITABLE_BY_OTHERS: Final = 0o022
OUTPUT: Final = Path("/dev/stdout")

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def supervising(
    settings: GatewaySettings,
    metrics: GatewayMetrics,
    resolver: Resolver | None = None,
    on_failure: Callable[[], None] = lambda: None,
) -> AsyncIterator[Supervisor]:
    """Start nginx, and keep it running and up to date until the end of the context.

    Raises `SettingsInvalid`, `NginxFailed`. Tests pass a resolver. `on_failure` is called if an error that
    nobody thought of ends the supervision: then nothing here can be relied upon.
    """
    await asyncio.to_thread(_check_files, settings)
    program = await asyncio.to_thread(find_nginx, settings.nginx)
    version, open_files = await nginx_version(program), await asyncio.to_thread(_open_files)
    async with (
        _own_directory(settings),
        counting(settings.state_dir, metrics.server_errors),
        _ports(settings) as ports,
    ):
        addresses = ports.hosts if ports else await asyncio.to_thread(_usable, settings.listen)
        sockets = {Stage.FRONT: lambda: ports.descriptors if ports else [], Stage.BACK: list[int]}
        supervisor = Supervisor(
            settings,
            Machine(version, open_files, addresses),
            resolver or _resolver(settings),
            lambda stage: NginxProcess(stage, program, settings.state_dir, sockets[stage]),
            metrics,
            ports,
        )
        try:
            await supervisor.start()
            running = asyncio.create_task(supervisor.run(), name="supervisor")
            running.add_done_callback(lambda task: _report_failure(task, on_failure))
            try:
                yield supervisor
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
        finally:
            await supervisor.stop()


def _report_failure(task: asyncio.Task[None], on_failure: Callable[[], None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("the supervision failed: %s", error, exc_info=error)
        on_failure()


def _check_files(settings: GatewaySettings) -> None:
    """Raise `SettingsInvalid` that names the setting of a file that cannot be used."""
    for name, path in (("TLS_CERTIFICATE", settings.tls_certificate), ("TLS_KEY", settings.tls_key)):
        try:
            if path is not None:
                path.read_bytes()
        except OSError as error:
            raise SettingsInvalid(f"{GATEWAY_PREFIX}{name}: {error.strerror}: {path}") from None
    try:
        if settings.access_log:
            OUTPUT.open("ab").close()
    except OSError as error:  # nginx opens it by its name, which does not work for a socket
        raise SettingsInvalid(
            f"{GATEWAY_PREFIX}ACCESS_LOG: standard output cannot be opened: {error.strerror};"
            " let it be a pipe, a file or a terminal, or set ACCESS_LOG=false"
        ) from None


def _resolver(settings: GatewaySettings) -> Resolver:
    return SystemResolver() if settings.hosts_file is None else HostsFileResolver(settings.hosts_file)


@contextlib.asynccontextmanager
async def _ports(settings: GatewaySettings) -> AsyncIterator[HeldPorts | None]:
    """Yield the ports that somebody else holds, if the settings name somebody. Raises `PortsNotHeld`."""
    if settings.port_socket is None:
        yield None
        return
    ports = HeldPorts(settings.port_socket, wanted_addresses(settings))
    try:
        await ports.take_in_time()
        yield ports
    finally:
        ports.close()


def _open_files() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)


def _usable(addresses: Sequence[str]) -> Sequence[str]:
    """Leave out `::` where there is no IPv6, unless nothing else is left."""
    return [address for address in addresses if address != "::" or _has_ipv6()] or addresses


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tried:
            tried.bind(("::", 0))
    except OSError:
        return False
    return True


@contextlib.asynccontextmanager
async def _own_directory(settings: GatewaySettings) -> AsyncIterator[None]:
    """Hold the state directory: nobody else's, and of no other gateway that runs."""
    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(lambda: stack.enter_context(_held(settings.state_dir)))
        yield


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & WRITABLE_BY_OTHERS:
            raise SettingsInvalid(f"{GATEWAY_PREFIX}STATE_DIR: others may write to {folder}")
        for stage in Stage:
            (folder / stage).mkdir(mode=0o700, exist_ok=True)
        for name, text in SNIPPETS.items():
            (folder / name).write_text(text, encoding="utf-8")
        lock = (folder / "lock").open("wb")
    except OSError as error:
        raise SettingsInvalid(f"{GATEWAY_PREFIX}STATE_DIR: {error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsInvalid(f"{GATEWAY_PREFIX}STATE_DIR: another gateway runs in {folder}") from None
        yield

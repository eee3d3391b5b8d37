"""Holds the ports of the gateway, so that one gateway can follow another while clients come.

It gives the listening sockets to every gateway that asks, over a unix socket, and does nothing else: no byte
of a client passes here. What comes while gateways change waits in the queue of the socket, which all share.
"""

import asyncio
import errno
import json
import logging
import signal
import socket
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from gateway.held_ports import ADDRESSES, LARGEST_LINE, Address, ask_for
from gateway.settings import GATEWAY_PREFIX, GatewaySettings
from service_kit.logging_setup import configure_logging
from service_kit.settings import SettingsInvalid, load_settings

SERVICE: Final = "gateway-port"
BACKLOG: Final = 4096
ASK_SECONDS: Final = 5.0
UNUSED_SECONDS: Final = 30.0
NO_SUCH_ADDRESS: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})

log = logging.getLogger(__name__)


def serve() -> int:
    """Hold the ports until a signal comes; return the exit status. Raises `SettingsInvalid`."""
    settings = load_settings(GatewaySettings)
    configure_logging(SERVICE, settings.log_level)
    asyncio.run(_until_signalled(PortHolder(socket_of(settings))))
    return 0


def check() -> None:
    """Raise `PortsNotHeld` unless somebody answers who holds ports, `SettingsInvalid`."""
    line, _, _ = ask_for(socket_of(load_settings(GatewaySettings)), ())
    line.close()


def socket_of(settings: GatewaySettings) -> Path:
    """Return where the sockets are given. Raises `SettingsInvalid`."""
    if settings.port_socket is None:
        raise SettingsInvalid(f"{GATEWAY_PREFIX}PORT_SOCKET: is not set")
    return settings.port_socket


async def _until_signalled(holder: "PortHolder") -> None:
    holding = asyncio.ensure_future(holder.hold())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, holding.cancel)
    await asyncio.wait({holding})
    if not holding.cancelled():
        holding.result()


class PortHolder:
    """The sockets that were asked for.

    When no gateway has been there for a while they are closed: better refused than never answered.
    """

    def __init__(self, path: Path, unused_seconds: float = UNUSED_SECONDS) -> None:
        self._path = path
        self._unused_seconds = unused_seconds
        self._listeners: dict[Address, socket.socket] = {}
        self._users = 0

    async def hold(self) -> None:
        """Answer everybody who asks, until this is cancelled. Raises `SettingsInvalid`."""
        loop = asyncio.get_running_loop()
        try:
            with await asyncio.to_thread(_door, self._path) as door:
                log.info("giving the ports away at %s", self._path)
                async with asyncio.TaskGroup() as visitors:
                    while True:
                        line, _ = await loop.sock_accept(door)
                        visitors.create_task(self._attend(line))
        finally:
            self._close()

    async def _attend(self, line: socket.socket) -> None:
        with line:
            line.setblocking(False)
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    wanted = ADDRESSES.validate_json(await _read_line(line))
                await self._give(line, wanted)
            except (OSError, ValidationError, TimeoutError) as error:
                log.warning("a gateway gets no ports: %s", str(error) or type(error).__name__)

    async def _give(self, line: socket.socket, wanted: tuple[Address, ...]) -> None:
        """Give the sockets, and wait until the gateway is gone."""
        given = {address: found for address in wanted if (found := self._listener(address)) is not None}
        said = json.dumps(list(given)).encode() + b"\n"
        socket.send_fds(line, [said], [one.fileno() for one in given.values()])
        self._users += bool(given)
        try:
            while await asyncio.get_running_loop().sock_recv(line, LARGEST_LINE):
                pass
        finally:
            self._users -= bool(given)
            if not self._users:
                asyncio.get_running_loop().call_later(self._unused_seconds, self._close_if_unused)

    def _listener(self, address: Address) -> socket.socket | None:
        """Return the one socket of the address; None where this machine has no IPv6. Raises `OSError`."""
        if address not in self._listeners:
            try:
                self._listeners[address] = _listening(*address)
            except OSError as error:
                if address[0] == "::" and error.errno in NO_SUCH_ADDRESS:
                    return None
                raise
            log.info("holding %s port %d", *address)
        return self._listeners[address]

    def _close_if_unused(self) -> None:
        if not self._users and self._listeners:
            log.warning("no gateway is there: the ports are closed until one asks for them")
            self._close()

    def _close(self) -> None:
        for one in self._listeners.values():
            one.close()
        self._listeners.clear()


def _door(path: Path) -> socket.socket:
    """Return where gateways ask, open to this user alone. Raises `SettingsInvalid`."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        door.bind(str(path))
        path.chmod(0o600)
        door.listen()
    except OSError as error:
        door.close()
        raise SettingsInvalid(f"{GATEWAY_PREFIX}PORT_SOCKET: {error.strerror or error}: {path}") from error
    door.setblocking(False)
    return door


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as nginx has it
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)  # nginx takes what it inherits as it is
    return listener


async def _read_line(line: socket.socket) -> bytes:
    loop, text = asyncio.get_running_loop(), b""
    while not text.endswith(b"\n") and len(text) < LARGEST_LINE:
        if not (more := await loop.sock_recv(line, LARGEST_LINE)):
            break
        text += more
    return text

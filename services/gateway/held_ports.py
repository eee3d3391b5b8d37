"""The ports of a gateway that somebody else holds: it gets their listening sockets over a unix socket.

Whoever asks sends a line, the addresses it wants as JSON. The answer is a line with those it gets, and their
sockets beside it. The connection then stays: its end tells that the other side is gone.
"""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from gateway.settings import GatewaySettings
from service_kit.errors import ServiceError

Address = tuple[str, int]

CALL_SECONDS: Final = 5.0
START_SECONDS: Final = 30.0
RETRY_SECONDS: Final = 0.2
LARGEST_LINE: Final = 4096
MOST_SOCKETS: Final = 16
ADDRESSES: Final = TypeAdapter(tuple[Address, ...])

log = logging.getLogger(__name__)


class PortsNotHeld(ServiceError):
    """Nobody gives the sockets. The text says why."""


def wanted_addresses(settings: GatewaySettings) -> list[Address]:
    """Return what the gateway listens on, as the settings have it."""
    ports = [settings.port, settings.tls_port] if settings.tls else [settings.port]
    return [(host, port) for port in ports for host in settings.listen]


class HeldPorts:
    """The sockets, and whether they still are worth anything. Only one task may take them at a time."""

    def __init__(self, path: Path, wanted: Sequence[Address]) -> None:
        self._path = path
        self._wanted = tuple(wanted)
        self._line: socket.socket | None = None
        self._sockets: tuple[socket.socket, ...] = ()

    @property
    def hosts(self) -> list[str]:
        """What can be listened on, of what was wanted."""
        return list(dict.fromkeys(host for host, _ in self._wanted))

    @property
    def held(self) -> bool:
        """Whether somebody holds the ports."""
        return self._line is not None

    @property
    def descriptors(self) -> list[int]:
        """The sockets as an nginx inherits them."""
        return [one.fileno() for one in self._sockets]

    async def take_in_time(self) -> None:
        """Do as `take` does, but raise `PortsNotHeld` after a while."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.take()
        except TimeoutError:
            raise PortsNotHeld(f"nobody holds the ports of the gateway at {self._path}") from None

    async def take(self) -> None:
        """Ask for the sockets until they are given."""
        while True:
            try:
                line, addresses, sockets = await asyncio.to_thread(ask_for, self._path, self._wanted)
            except PortsNotHeld as error:
                log.debug("%s", error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._wanted, self._line, self._sockets = addresses, line, sockets
                return

    async def lost(self) -> None:
        """Wait until nobody holds the ports any more, and let go of them: their network is gone."""
        if self._line is not None:
            with contextlib.suppress(OSError):
                await asyncio.get_running_loop().sock_recv(self._line, 1)
        self.close()

    def close(self) -> None:
        """Let go of everything."""
        for one in (self._line, *self._sockets):
            if one is not None:
                one.close()
        self._line, self._sockets = None, ()


def ask_for(
    path: Path, wanted: Sequence[Address]
) -> tuple[socket.socket, tuple[Address, ...], tuple[socket.socket, ...]]:
    """Return the connection, the addresses and their sockets. Blocks. Raises `PortsNotHeld`."""
    with contextlib.ExitStack() as opened:
        line = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        line.settimeout(CALL_SECONDS)
        try:
            line.connect(str(path))
            line.sendall(json.dumps(wanted).encode() + b"\n")
            text, descriptors, _, _ = socket.recv_fds(line, LARGEST_LINE, MOST_SOCKETS)
            sockets = tuple(opened.enter_context(socket.socket(fileno=one)) for one in descriptors)
            for one in sockets:
                one.set_inheritable(False)  # for the one program that it is passed to
            addresses = ADDRESSES.validate_json(text)
        except (OSError, ValidationError) as error:
            raise PortsNotHeld(f"{path}: {error}") from error
        if len(sockets) != len(addresses):
            raise PortsNotHeld(f"{path}: {len(sockets)} sockets for {len(addresses)} addresses")
        line.setblocking(False)
        opened.pop_all()
    return line, addresses, sockets

"""What a name stands for at this moment: asked of the system, or of a file."""

import asyncio
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from gateway.addresses import literal
from service_kit.errors import ServiceError

LOOKUP_SECONDS: Final = 2.0
NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


class NobodyKnows(ServiceError):
    """Whoever knows the names does not answer: that says nothing about them."""


class Resolver(Protocol):
    """Knows the addresses of names."""

    async def addresses(self, name: str) -> tuple[str, ...]:
        """Return the IP addresses of a name in order, none if it has none. Raises `NobodyKnows`."""


class SystemResolver:
    """Asks as every program of this machine does: `/etc/hosts`, then the DNS.

    A name that has addresses of both kinds stands for those of IPv4: each instance has one, and it would be
    counted twice. One look-up of a name runs at a time, however long a name server keeps silent.
    """

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def addresses(self, name: str) -> tuple[str, ...]:
        task = self._running.get(name)
        if task is None or task.done():
            task = self._running[name] = asyncio.create_task(_look_up(name))
        done, _ = await asyncio.wait({task}, timeout=LOOKUP_SECONDS)
        if not done:
            raise NobodyKnows(f"no answer within {LOOKUP_SECONDS:g} s")
        return task.result()


async def _look_up(name: str) -> tuple[str, ...]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in NO_SUCH_NAME:
            return ()
        raise NobodyKnows(str(error.strerror or error)) from error
    except (OSError, UnicodeError) as error:
        raise NobodyKnows(str(error)) from error
    return preferred(str(address[0]) for *_, address in found)


class HostsFileResolver:
    """Reads a file of lines `ADDRESS NAME...`, anew for every question."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def addresses(self, name: str) -> tuple[str, ...]:
        try:
            text = await asyncio.to_thread(self._path.read_text, "utf-8")
        except (OSError, UnicodeError) as error:
            raise NobodyKnows(f"the hosts file cannot be read: {error}") from error
        lines = [line.partition("#")[0].split() for line in text.splitlines()]
        return preferred(words[0] for words in lines if name in words[1:])


def preferred(found: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses in order, each once: those of IPv4, or those of IPv6 if there are no others."""
    known = {address for text in found if (address := literal(text.partition("%")[0]))}
    return tuple(sorted(address for address in known if "." in address) or sorted(known))

"""Counts answers 500 and above: nginx has no numbers of them, but can tell each to a socket."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from prometheus_client import Counter

SOCKET_NAME: Final = "server_errors"  # without `.sock`: those are nginx's own
LONGEST_MESSAGE: Final = 1024
MESSAGES_AT_ONCE: Final = 100
_MESSAGE: Final = re.compile(rb"<\d+>.*: (?P<status>5\d\d) (?P<way>[a-z_]+)")  # as syslog has them


@contextlib.asynccontextmanager
async def counting(state_dir: Path, counter: Counter) -> AsyncIterator[None]:
    """Count what nginx tells until the end of the context."""
    receiver = await asyncio.to_thread(_receiver, state_dir / SOCKET_NAME)
    with receiver:
        loop = asyncio.get_running_loop()
        loop.add_reader(receiver, _count, receiver, counter)
        try:
            yield
        finally:
            loop.remove_reader(receiver)


def _receiver(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.setblocking(False)
    receiver.bind(str(path))
    return receiver


def _count(receiver: socket.socket, counter: Counter) -> None:
    with contextlib.suppress(BlockingIOError):
        for _ in range(MESSAGES_AT_ONCE):
            found = _MESSAGE.fullmatch(receiver.recv(LONGEST_MESSAGE))
            if found is not None:
                counter.labels(found["status"].decode(), found["way"].decode()).inc()

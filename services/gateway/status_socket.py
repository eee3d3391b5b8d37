"""Asks a running nginx about itself, over its unix socket."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ASK_SECONDS: Final = 2.0
LARGEST_ANSWER: Final = 16 * 1024
OK: Final = b"200"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def ask(socket_path: Path, path: str) -> bytes:
    """Return the body of the answer. Raises `OSError` when there is none, or another than 200."""
    return await _ask(asyncio.open_unix_connection(socket_path), path)


async def ask_port(host: str, port: int, path: str) -> bytes:
    """Return the body of the answer of a port. Raises as `ask` does."""
    return await _ask(asyncio.open_connection(host, port), path)


async def _ask(opening: Coroutine[None, None, Connection], path: str) -> bytes:
    async with asyncio.timeout(ASK_SECONDS):
        reader, writer = await opening
        try:
            writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = b""
            while len(answer) < LARGEST_ANSWER and (chunk := await reader.read(LARGEST_ANSWER)):
                answer += chunk
        finally:
            writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] != [OK]:
        raise ConnectionError(f"nginx answers {head[:40]!r}")
    return body


@dataclass(frozen=True, slots=True)
class NginxNumbers:
    """What nginx counts: since its start, and at this moment."""

    active: int
    accepted: int
    handled: int
    requests: int
    reading: int
    writing: int
    waiting: int


def parse_numbers(text: bytes) -> NginxNumbers:
    """Return what the page of `stub_status` says. Raises `ValueError`."""
    numbers = [int(word) for word in text.split() if word.isdigit()]
    if len(numbers) != len(NginxNumbers.__slots__):
        raise ValueError("nginx tells other numbers than expected")
    return NginxNumbers(*numbers)

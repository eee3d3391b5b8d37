"""Readers that go on asking through the gateway while something is done to it or to what is behind it."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

import aiohttp
from yarl import URL

READERS: Final = 2
"""Of each kind: with connections that are kept, and with a new one for each request."""

PAUSE_SECONDS: Final = 0.02
ANSWER_SECONDS: Final = 30.0
STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")

Ask = Callable[[str], Awaitable[str]]


@contextlib.asynccontextmanager
async def steady_reads(root_url: str, paths: Sequence[str]) -> AsyncIterator[Counter[str]]:
    """Yield the count of answers by path and status, or by the name of the error; it grows until the end."""
    outcomes: Counter[str] = Counter()
    stopping = asyncio.Event()

    async def read(ask: Ask, number: int) -> None:
        while not stopping.is_set():
            path = paths[number % len(paths)]
            outcomes[f"{path} {await ask(root_url + path)}"] += 1
            number += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as session,
        asyncio.TaskGroup() as group,
    ):
        for number in range(READERS):
            group.create_task(read(lambda url: _over_kept(session, url), number))
            group.create_task(read(_over_new, number))
        try:
            yield outcomes
        finally:
            stopping.set()


async def _over_kept(session: aiohttp.ClientSession, url: str) -> str:
    """Ask as clients do: one that finds its kept connection closed asks once more, over another."""
    try:
        async with session.get(url, headers={"Cache-Control": "no-cache"}) as answer:
            await answer.read()
            return str(answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__


async def _over_new(url: str) -> str:
    """Ask once, over a connection of its own."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await _asked_once(URL(url))
    except (OSError, TimeoutError) as error:
        return f"{type(error).__name__} of a new connection"


async def _asked_once(url: URL) -> str:
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(f"GET {url.raw_path_qs} HTTP/1.0\r\nHost: {url.host}\r\n\r\n".encode())
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    status, length = STATUS.match(head), LENGTH.search(head + b"\r\n")
    if status is None or (length is not None and int(length[1]) != len(body)):
        return "half an answer over a new connection"
    return status[1].decode()

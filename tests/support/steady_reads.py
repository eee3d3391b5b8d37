"""Readers that go on asking through the gateway while something is done to what is behind it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import aiohttp

READERS = 4
PAUSE_SECONDS = 0.02
ANSWER_SECONDS = 30.0


@contextlib.asynccontextmanager
async def steady_reads(root_url: str, paths: Sequence[str]) -> AsyncIterator[Counter[str]]:
    """Yield the count of answers by path and status, or by the name of the error; it grows until the end."""
    outcomes: Counter[str] = Counter()
    stopping = asyncio.Event()

    async def read(session: aiohttp.ClientSession, number: int) -> None:
        while not stopping.is_set():
            path = paths[number % len(paths)]
            outcomes[f"{path} {await _outcome(session, root_url + path)}"] += 1
            number += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as session,
        asyncio.TaskGroup() as group,
    ):
        for number in range(READERS):
            group.create_task(read(session, number))
        try:
            yield outcomes
        finally:
            stopping.set()


async def _outcome(session: aiohttp.ClientSession, url: str) -> str:
    try:
        async with session.get(url, headers={"Cache-Control": "no-cache"}) as answer:
            await answer.read()
            return str(answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__

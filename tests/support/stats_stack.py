"""The distributed system with its statistics, and the fake AI-Horde that they come from."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from stack.child import StackFailed
from stack.neighbours import require_programs
from stack.running import Plan, Stack, running_stack
from support.processes import clean_environment
from support.reference_data import SHARED
from support.servers import missing
from support.serving import Answer
from support.stats_nodes import FakeHordeNode

STATISTICS = "/api/model_references/statistics"
RISK = f"{STATISTICS}/text_generation/deletion-risk"
WITH_STATS = f"{STATISTICS}/image_generation/with-stats"
POPULAR = "/api/model_references/v2/image_generation/popular"
REFRESH_SECONDS = 2.0
SETTINGS = {
    "SEED_DIR": str(SHARED / "data"),
    "HORDE_API_CACHE_TTL": str(REFRESH_SECONDS),
    "HORDE_API_TIMEOUT": "4",
    "STATISTICS_PACE_SECONDS": "1",
    "ACCESS_LOG": "false",
    "DRAIN_SECONDS": "2",
    "HEAD_POLL_SECONDS": "2",
}


PATIENCE_SECONDS = 100.0
"""A machine that stands still for seconds opens the breaker, which lets nobody ask for a minute."""


async def eventually(
    is_true: Callable[[], Awaitable[bool]], *, timeout_seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait until something is true of processes that cannot tell. Raises `TimeoutError`."""
    async with asyncio.timeout(timeout_seconds):
        while not await is_true():  # noqa: ASYNC110 - they are other processes
            await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class StatsStack:
    """The running stack, its AI-Horde, and a client."""

    stack: Stack
    horde: FakeHordeNode
    session: aiohttp.ClientSession

    async def get(self, path: str, *, root: str | None = None, **headers: str) -> Answer:
        """Ask the gateway, or the server at `root`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get((root or self.stack.root_url) + path, headers=named) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def everywhere(self, path: str) -> list[Answer]:
        """Ask every instance of the stats service itself."""
        return [await self.get(path, root=child.url) for child in self.stack.stats]

    async def runtime(self, path: str = RISK) -> Mapping[str, Any]:
        """Return what the gateway's answer says of its sources."""
        answer = await self.get(f"{path}?limit=1")
        assert answer.status == 200, answer.body
        runtime: Mapping[str, Any] = answer.json["runtime"]
        return runtime

    async def until_fresh(self, *, after: float = 0, timeout_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until every instance shows figures that were all fetched after a moment (Unix seconds)."""

        async def all_fresh() -> bool:
            answers = await self.everywhere(f"{RISK}?limit=1")
            return all(self._is_fresh(one, after) for one in answers)

        await eventually(all_fresh, timeout_seconds=timeout_seconds)

    @staticmethod
    def _is_fresh(answer: Answer, after: float) -> bool:
        sources = answer.json["runtime"].values() if answer.status == 200 else [{"stale": True}]
        return all(not source["stale"] and source["fetched_at"] > after for source in sources)

    async def restart_stats(self) -> None:
        """Begin anew with instances that know nothing of former failures."""
        await asyncio.gather(*(child.restart() for child in self.stack.stats))


@contextlib.asynccontextmanager
async def stats_stack(
    folder: Path, *, stats: int, settings: Mapping[str, str] | None = None
) -> AsyncIterator[StatsStack]:
    """Run the stack behind proxies that can fail. Skips the test where a program is missing."""
    try:
        require_programs()
    except StackFailed as error:
        missing(str(error))
    with FakeHordeNode(folder) as horde:
        environment = clean_environment({"AI_HORDE_URL": horde.url})
        plan = Plan(
            write=1,
            read=1,
            stats=stats,
            settings={**SETTINGS, **(settings or {})},
            environment=environment,
            through_proxies=True,
        )
        async with (
            running_stack(plan) as stack,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
        ):
            yield StatsStack(stack, horde, session)

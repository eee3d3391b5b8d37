"""The stack under attack, with its clients, and how it is judged afterwards."""

import asyncio
import contextlib
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp.test_utils import TestServer

from chaos.checker import Judgement, judge
from chaos.client_log import ClientLog
from chaos.load import Load
from chaos.queue_client import QUEUE, QueueClient, open_session
from service_kit.settings import S3Settings
from service_kit.stores import open_object_store
from stack.child import Child
from stack.running import Plan, Stack, running_stack, stack_folder
from support.faulty_service import PLAN
from support.hostile_horde import ROLES
from support.reference_data import REPOSITORY
from support.shifted_clock import ShiftedClock, can_shift_clocks
from support.some_horde import SomeHorde
from support.sources import SAMPLE
from support.write_clients import OTHER_APPROVER, OTHER_REQUESTOR, a_horde

CONVERGE_SECONDS = 5.0
LOOK_SECONDS = 0.05
READY_SECONDS = 60.0
SETTINGS = {
    "SEED_DIR": str(SAMPLE),
    "ACCESS_LOG": "false",
    "RATE_LIMITS__ENABLED": "false",
    "DRAIN_SECONDS": "2",
    "HEAD_POLL_SECONDS": "3",
    **ROLES,
}

CRASHABLE = (sys.executable, "-m", "support.faulty_service")

__all__ = ["OTHER_APPROVER", "OTHER_REQUESTOR", "Arena", "Outcome", "an_arena"]


@dataclass(slots=True)
class Outcome:
    """What one scenario came to."""

    name: str
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Arena:
    """The stack, its clients, and a generator whose seed makes the run repeatable."""

    stack: Stack
    session: aiohttp.ClientSession
    log: ClientLog
    chance: random.Random
    say: Callable[[str], None]
    clock: ShiftedClock | None
    plans: dict[str, Path]

    def client(self, root_url: str | None = None, *, tries: int = 1) -> QueueClient:
        """Return a client of an instance, by default of the gateway."""
        return QueueClient(self.session, root_url or self.stack.root_url, self.log, tries=tries)

    def load(self) -> Load:
        """Return readers and writers, not yet running."""
        return Load(self.session, self.stack.root_url, self.log, self.chance.getrandbits(32))

    @property
    def read_urls(self) -> list[str]:
        return [child.url for child in self.stack.reads]

    async def revive(self) -> None:
        """Bring everything back that is dead or frozen."""
        for name, proxy in self.stack.neighbours.proxies.items():
            proxy.heal()
            self.stack.neighbours.thaw(name)
        for child in self.stack.children:
            child.thaw()
        await asyncio.gather(*(child.start() for child in self.stack.children if not child.alive))
        await asyncio.gather(
            *(child.wait_ready(timeout_seconds=READY_SECONDS) for child in self.stack.children)
        )

    async def judge(self) -> Judgement:
        """Read the journal past every service and proxy, and compare it with what clients were told."""
        node = self.stack.neighbours.s3
        settings = S3Settings.model_validate(
            {
                "endpoint_url": node.endpoint,
                "bucket": self.stack.neighbours.settings()["S3__BUCKET"],
                "access_key": node.access_key,
                "secret_key": node.secret_key,
            }
        )
        async with open_object_store(Path("unused"), settings, read_only=True) as store:
            return await judge(store, self.log)

    async def converge(self, judgement: Judgement) -> tuple[list[str], float]:
        """Wait until every instance is at the head; return those that are not, and the seconds it took."""
        begun = time.monotonic()
        behind: list[str] = []
        while (waited := time.monotonic() - begun) < CONVERGE_SECONDS:
            behind = [
                *[name for child in self.stack.reads if (name := await self._behind(child, judgement))],
                *[name for child in self.stack.writes if (name := await self._behind(child, judgement))],
            ]
            if not behind:
                return [], waited
            await asyncio.sleep(LOOK_SECONDS)
        return behind, waited

    async def _behind(self, child: Child, judgement: Judgement) -> str | None:
        client = self.client(child.url)
        if child.kind == "read-api":
            status, headers, _ = await client.get("/api/status", key="")
        else:
            status, headers, _ = await client.get(f"{QUEUE}/changes?limit=1")
        seen = headers.get("X-Revision")
        return None if seen == str(judgement.revision) else f"{child.name}: {status}, revision {seen}"


@contextlib.asynccontextmanager
async def an_arena(
    *,
    seed: int,
    say: Callable[[str], None],
    write: int = 3,
    read: int = 2,
    stats: int = 0,
    through_proxies: bool = True,
    is_crashable: bool = True,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Arena]:
    """Run a stack, with an AI-Horde beside it unless the settings name one.

    Its write-queues can be made to crash between two steps, if it `is_crashable`.
    """
    async with contextlib.AsyncExitStack() as exits:
        folder = exits.enter_context(stack_folder())
        horde: SomeHorde = a_horde()
        horde_url = str((await exits.enter_async_context(TestServer(horde.application))).make_url("/api/"))
        clock = ShiftedClock(folder) if can_shift_clocks() else None
        plan = Plan(
            write=write,
            read=read,
            stats=stats,
            settings={**SETTINGS, "AI_HORDE_URL": horde_url, **(settings or {})},
            commands={"write-queue": CRASHABLE} if is_crashable else {},
            more_environment=lambda name: _environment(folder, name, clock),
            through_proxies=through_proxies,
        )
        stack = await exits.enter_async_context(running_stack(plan, report=say))
        session = await exits.enter_async_context(open_session())
        plans = {child.name: folder / f"{child.name}.plan" for child in stack.writes}
        yield Arena(stack, session, ClientLog(), random.Random(seed), say, clock, plans)


def _environment(folder: Path, name: str, clock: ShiftedClock | None) -> dict[str, str]:
    """Return what one service gets besides: where its plan of faults lies, and for one of them the clock."""
    shifted = clock.environment if clock is not None and name == "write-queue-1" else {}
    path = os.pathsep.join([str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH", "")])
    return {PLAN: str(folder / f"{name}.plan"), "PYTHONPATH": path, **shifted}

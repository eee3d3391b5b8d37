"""How soon many programs that follow a service can read what was applied there."""

import asyncio
import contextlib
import os
import shutil
import statistics
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp.test_utils import TestServer

from bench.children import wait_until_quiet
from bench.client_audience import Audience, audience_of
from bench.client_figures import seen_figure
from bench.client_precedence import precedence_of
from bench.client_programs import Users
from bench.client_proposals import CATEGORIES, Wanted, propose
from bench.figures import Figure
from bench.service import serving
from bench.write_stack import ANSWER_SECONDS, Told, Writer, filled_stack
from support.some_horde import APPROVER, REQUESTOR, USERS, SomeHorde

PROGRAMS: Final = 50
PAUSE_SECONDS: Final = 1.5  # within one, programs write what they heard to the disk
TARGET_MS: Final = 250.0
QUIET_SECONDS: Final = 30.0
STACK_CHANGES: Final = 100


@dataclass(frozen=True, slots=True)
class Spread:
    """One change: when it was asked for and answered, and when each program saw it."""

    category: str
    told: Told
    seen: Sequence[float]

    def since_answer(self) -> list[float]:
        """Return the milliseconds from the answer, none below 0."""
        return [max(0.0, one - self.told.answered) * 1000 for one in self.seen]

    def since_start(self) -> list[float]:
        """Return the milliseconds from just before the request."""
        return [(one - self.told.asked) * 1000 for one in self.seen]


@dataclass(frozen=True, slots=True)
class Scenery:
    """A service: where changes are applied, and the processes that it consists of."""

    where: str
    writer: Writer
    pids: tuple[int, ...]


def measure(data_dir: Path, seed_dir: Path, work_dir: Path, *, quick: bool) -> list[Figure]:
    """Return how soon changes are seen that the service in one process applied, and the stack."""
    each = 2 if quick else 5
    figures = asyncio.run(_alone(data_dir, work_dir, each))
    return figures if quick else [*figures, *asyncio.run(_stack(seed_dir, work_dir, each))]


async def _alone(data_dir: Path, work_dir: Path, each: int) -> list[Figure]:
    own_dir = work_dir / "client-seen"
    shutil.copytree(data_dir, own_dir)
    async with TestServer(SomeHorde().application) as horde, _session() as session:
        roles = {"REQUESTOR": REQUESTOR, "APPROVER": APPROVER}
        ids = {f"PENDING_QUEUE__{role}_IDS": str(USERS[key]["id"]) for role, key in roles.items()}
        with serving(own_dir, {"AI_HORDE_URL": str(horde.make_url("/api/")), **ids}) as service:
            await asyncio.to_thread(wait_until_quiet, service.pid, timeout_seconds=QUIET_SECONDS)
            writer = Writer(session, service.root_url)
            return await _spread(Scenery("one process", writer, (service.pid,)), work_dir, each)


async def _stack(seed_dir: Path, work_dir: Path, each: int) -> list[Figure]:
    async with filled_stack(STACK_CHANGES, seed_dir, write=2, read=2) as scene:
        pids = tuple(int(process["pid"]) for process in scene.stack.describe()["processes"])
        return await _spread(Scenery("stack", scene.gateway, pids), work_dir, each)


async def _spread(scenery: Scenery, work_dir: Path, each: int) -> list[Figure]:
    """Apply the changes one after another while everybody listens."""
    writer = scenery.writer
    wanted = await propose(writer, each)
    users = Users(f"{writer.root_url}/api", work_dir, {})
    async with audience_of(users, wanted, PROGRAMS) as audience:
        worked, waited = audience.processor_seconds(), audience.waiting_seconds()
        with precedence_of((os.getpid(), *scenery.pids, *(program.pid for program in audience.programs))):
            spreads = [await _apply(writer, audience, number, one) for number, one in enumerate(wanted)]
            await asyncio.sleep(PAUSE_SECONDS)
        share = 1000 / PROGRAMS / len(wanted)
        worked = (audience.processor_seconds() - worked) * share
        waited = (audience.waiting_seconds() - waited) * share
    note = f"each change takes each program {worked:.1f} of a processor and {waited:.1f} waiting for one"
    return figures_of(scenery.where, spreads, note)


async def _apply(writer: Writer, audience: Audience, number: int, one: Wanted) -> Spread:
    await asyncio.sleep(PAUSE_SECONDS)
    told = await writer.apply(one.change_id)
    return Spread(one.category, told, await audience.all_saw(number))


def figures_of(where: str, spreads: Sequence[Spread], note: str) -> list[Figure]:
    """Return the figures of changes; the first of them only warmed everything up."""
    counted = spreads[1:]
    what = f"{PROGRAMS} programs see it, p99, {where}"
    first = statistics.median(min(one.since_start()) for one in counted)
    return [
        seen_figure(f"apply's answer until {what}", _samples(counted), TARGET_MS, note),
        *(
            seen_figure(f"apply's answer until {what}, {category}", mine, None, "")
            for category in CATEGORIES
            if (mine := _samples([one for one in counted if one.category == category]))
        ),
        seen_figure(
            f"apply's start until {what}",
            [sample for one in counted for sample in one.since_start()],
            None,
            f"the first program after {first:.0f} in the median",
        ),
    ]


def _samples(spreads: Sequence[Spread]) -> list[float]:
    return [sample for one in spreads for sample in one.since_answer()]


@contextlib.asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as session:
        yield session

"""The write side, on the distributed system: proposing, listing, applying, being seen, starting, memory."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench import applying, gateway_reads, listing, proposing, restarting
from bench.children import wait_until_quiet
from bench.failures import attempt_part, say
from bench.figures import Figure
from bench.write_stack import Scene, filled_stack

FEW = 100
QUIET_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    changes: int
    proposal_rounds: int
    lists: int
    applied: int
    without_broker: int
    starts: int
    load_rounds: int


FULL = Effort(10_000, proposal_rounds=4, lists=60, applied=100, without_broker=5, starts=3, load_rounds=3)
QUICK = Effort(2_000, proposal_rounds=1, lists=20, applied=20, without_broker=1, starts=1, load_rounds=1)


def measure(work_dir: Path, seed_dir: Path, *, quick: bool) -> list[Figure]:
    """Return all figures; a part that fails is one that is missing. Raises `StackFailed`, `NodeFailed`."""
    return asyncio.run(_measure(work_dir, seed_dir, QUICK if quick else FULL))


async def _measure(work_dir: Path, seed_dir: Path, effort: Effort) -> list[Figure]:
    async with contextlib.AsyncExitStack() as exits:
        filling = time.perf_counter()
        large = await exits.enter_async_context(filled_stack(effort.changes, seed_dir, write=3, read=2))
        say(f"    filling: {time.perf_counter() - filling:.0f} s")
        parts: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
            "memory at the start": lambda: _memory(large),
            "proposals": lambda: _proposals(large, seed_dir, effort),
            "lists": lambda: listing.measure(large, repeats=effort.lists),
            "applying": lambda: applying.measure(large, samples=effort.applied),
            "memory": lambda: _memory(large),
            "gateway": lambda: _gateway(large, work_dir, effort),
            "no broker": lambda: applying.measure_without_broker(large, samples=effort.without_broker),
            "starts": lambda: restarting.measure(large, work_dir, starts=effort.starts),
        }
        return [figure for name, part in parts.items() for figure in await attempt_part(name, part())]


async def _memory(scene: Scene) -> list[Figure]:
    return restarting.memory_figures(scene)


async def _proposals(large: Scene, seed_dir: Path, effort: Effort) -> list[Figure]:
    async with filled_stack(FEW, seed_dir, write=3, read=1) as small:
        return await proposing.measure([small, large], rounds=effort.proposal_rounds)


async def _gateway(scene: Scene, work_dir: Path, effort: Effort) -> list[Figure]:
    for child in scene.stack.reads:
        await asyncio.to_thread(wait_until_quiet, child.pid, timeout_seconds=QUIET_SECONDS)
    return await asyncio.to_thread(
        gateway_reads.measure, scene.stack.gateway, work_dir, rounds=effort.load_rounds
    )

"""The write side, on the distributed system: proposing, listing, applying, being seen, starting, memory."""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from bench import applying, gateway_reads, listing, proposing, restarting
from bench.children import wait_until_quiet
from bench.figures import Figure
from bench.write_stack import filled_stack

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


FULL = Effort(10_000, proposal_rounds=4, lists=100, applied=100, without_broker=5, starts=3, load_rounds=4)
QUICK = Effort(2_000, proposal_rounds=1, lists=20, applied=20, without_broker=1, starts=1, load_rounds=1)


def measure(work_dir: Path, seed_dir: Path, *, quick: bool) -> list[Figure]:
    """Return all figures. Raises `ToolMissing`, `StackFailed`, `NodeFailed`, `RuntimeError`."""
    return asyncio.run(_measure(work_dir, seed_dir, QUICK if quick else FULL))


async def _measure(work_dir: Path, seed_dir: Path, effort: Effort) -> list[Figure]:
    figures: list[Figure] = []
    async with contextlib.AsyncExitStack() as exits:
        large = await exits.enter_async_context(filled_stack(effort.changes, seed_dir, write=3, read=2))
        figures += restarting.memory_figures(large)
        async with filled_stack(FEW, seed_dir, write=3, read=1) as small:
            figures += await proposing.measure([small, large], rounds=effort.proposal_rounds)
        figures += await listing.measure(large, repeats=effort.lists)
        figures += await applying.measure(large, samples=effort.applied)
        figures += restarting.memory_figures(large)
        for child in large.stack.reads:
            await asyncio.to_thread(wait_until_quiet, child.pid, timeout_seconds=QUIET_SECONDS)
        figures += await asyncio.to_thread(
            gateway_reads.measure, large.stack.gateway, work_dir, rounds=effort.load_rounds
        )
        figures += await applying.measure_without_broker(large, samples=effort.without_broker)
        figures += await restarting.measure(large, work_dir, starts=effort.starts)
    return figures

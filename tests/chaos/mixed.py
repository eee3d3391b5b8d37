"""The traffic of `make load` while one part after the other is killed, frozen and cut off."""

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from bench.percentiles import percentile
from chaos.arena import Arena, Outcome, an_arena
from chaos.mixed_faults import SERVERS, converge, heal, strike
from chaos.mixed_plan import Fault, faults
from chaos.scenarios import Extent
from load.catalogue import seed_directory
from load.horde import serving_horde
from load.machine import circumstances
from load.parts import Watcher
from load.roots import parts_of
from load.summary import failed_reads, old_answers, summary
from load.traffic import Extent as TrafficExtent
from load.traffic import Met, Traffic

LAST_FAULT_SECONDS: Final = 25.0  # before the end: it shall be over by then
RATE: Final = 150.0  # two processors also run everything else, and come to themselves again and again
EDITS: Final = 0.3
TRIES: Final = 6


@contextlib.asynccontextmanager
async def an_arena_of_pairs(*, seed: int, say: Callable[[str], None]) -> AsyncIterator[Arena]:
    """Run a stack with two of each service on a catalogue of the real size, its servers behind proxies."""
    with tempfile.TemporaryDirectory(prefix="horde-mixed-") as folder:
        seed_dir = seed_directory(Path(folder))
        async with (
            serving_horde(seed_dir) as horde_url,
            an_arena(
                seed=seed,
                say=say,
                write=2,
                read=2,
                stats=2,
                is_crashable=False,
                settings={"SEED_DIR": str(seed_dir), "AI_HORDE_URL": horde_url},
            ) as arena,
        ):
            yield arena


async def mixed(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Let the traffic run, and faults with it; what came of it goes to the file for the report."""
    asked = TrafficExtent(
        seconds=extent.minutes * 60,
        rate=extent.rate or RATE,
        listeners=extent.listeners,
        edits=EDITS,
        seed=arena.chance.getrandbits(32),
        tries=TRIES,
    )
    machine = circumstances()
    with tempfile.TemporaryDirectory(prefix="horde-mixed-") as folder:
        traffic = Traffic(arena.session, arena.stack.root_url, arena.log, asked, Path(folder))
        await traffic.prepare()
        async with traffic.running() as met:
            watcher = Watcher(lambda: parts_of(arena.stack), met.start)
            async with watcher.running():
                told = await _strike_on(arena, met, asked.seconds, outcome)
                await met.ended.wait()
    await arena.revive()
    judgement = await arena.judge()
    outcome.problems += [*met.problems, *failed_reads(met), *old_answers(met)]
    problems = [*outcome.problems, *judgement.problems]
    outcome.figures["faults"] = len(told)
    outcome.figures["answers compared"] = met.comparison.answers
    result = summary(
        "chaos",
        asked,
        met,
        watcher.usage,
        machine=machine,
        system={"read-api": 2, "write-queue": 2, "stats": 2},
        journal={"entries": judgement.sequence, "revisions": judgement.revision},
        faults=[{**one, "reads": _reads_during(met, one)} for one in told],
    )
    result["problems"] = problems
    await asyncio.to_thread(_write, extent.reports / "chaos.json", result)


async def _strike_on(arena: Arena, met: Met, seconds: float, outcome: Outcome) -> list[dict[str, Any]]:
    """Make one fault after the other; return what happened when."""
    plan = faults([child.name for child in arena.stack.services], SERVERS, arena.chance)
    told: list[dict[str, Any]] = []
    await asyncio.sleep(max(0.0, met.start - time.monotonic()))
    while met.start + seconds - time.monotonic() > LAST_FAULT_SECONDS and not met.ended.is_set():
        fault = next(plan)
        told.append(await _one(arena, met, fault, outcome))
        await asyncio.sleep(fault.calm_seconds)
    return told


async def _one(arena: Arena, met: Met, fault: Fault, outcome: Outcome) -> dict[str, Any]:
    begun = time.monotonic()
    arena.say(f"  {begun - met.start:6.1f} s: {fault.how} {fault.part} for {fault.seconds:.1f} s")
    await strike(arena, fault)
    await asyncio.sleep(fault.seconds)
    healing = time.monotonic()
    await heal(arena, fault)
    behind = await converge(arena)
    converged = time.monotonic()
    outcome.problems += [f"{fault.how} {fault.part}, afterwards: {problem}" for problem in behind]
    return {
        **asdict(fault),
        "from": round(begun - met.start, 2),
        "to": round(healing - met.start, 2),
        "converged": None if behind else round(converged - healing, 2),
    }


def _reads_during(met: Met, told: dict[str, Any]) -> dict[str, float]:
    """Return how reads went from the beginning of a fault until everything was itself again."""
    until = told["to"] + (told["converged"] or 0.0)
    taken = [one for one in met.samples if one.revision or one.failed]
    during = [one for one in taken if told["from"] <= one.at <= until]
    slow = [one.milliseconds for one in during]
    if not slow:
        return {}
    return {"count": len(slow), "p99": round(percentile(slow, 0.99), 1), "max": round(max(slow), 1)}


def _write(path: Path, result: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result) + "\n", encoding="utf-8")

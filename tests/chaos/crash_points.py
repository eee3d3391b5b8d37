"""A crash, or a lost answer, before and after every single store operation of propose, decide and apply."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from chaos.arena import Arena, Outcome
from chaos.queue_client import QueueClient
from chaos.scenarios import Extent
from stack.child import Child

MOST_OPERATIONS = 40
QUIET_SECONDS = 0.15


async def crash_points(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Walk through all of them on one instance; another one is asked to go on afterwards."""
    del extent
    told, arena.stack.writes[0].on_death = arena.stack.writes[0].on_death, None
    victim = arena.stack.writes[0]
    for kind in ("crash", "lose"):
        for step in ("propose", "approve", "reject", "apply"):
            for moment in ("before", "after"):
                points = await walk(arena, victim, step, kind, moment)
                outcome.figures[f"{kind} {moment}: {step}"] = points
                if not points:
                    outcome.problems.append(f"{kind} {moment}: {step} met no store operation")
    victim.on_death = told


async def walk(arena: Arena, victim: Child, step: str, kind: str, moment: str) -> int:
    """Fail at the first operation, then the second, ... until the step does without another; count them."""
    other = arena.client(arena.stack.writes[-1].url)
    for at in range(1, MOST_OPERATIONS):
        name = arena.log.fresh(f"{kind}-{moment}-{step}")
        act = await _prepare(other, arena.client(victim.url, tries=1), step, name)
        await asyncio.sleep(QUIET_SECONDS)  # what the events of the preparation set off shall not be counted
        plan = arena.plans[victim.name]
        fired = plan.with_suffix(".fired")
        fired.unlink(missing_ok=True)
        _arm(plan, {"at": at, "moment": moment, "kind": kind})
        await act()
        died = kind == "crash" and not await _survived(victim)
        if died:
            await victim.start()
        plan.unlink(missing_ok=True)
        if not died and not fired.exists():
            await victim.restart()  # it counts on from here, and must not fail later
            return at - 1
    return MOST_OPERATIONS


async def _prepare(
    other: QueueClient, victim: QueueClient, step: str, name: str
) -> Callable[[], Awaitable[object]]:
    """Bring a change to where the step can be done, on another instance; return the step."""
    if step == "propose":
        return lambda: victim.propose(name)
    change_id = await other.propose(name)
    assert change_id is not None
    if step == "approve":
        return lambda: victim.approve(change_id)
    if step == "reject":
        return lambda: victim.reject(change_id)
    assert await other.approve(change_id)
    return lambda: victim.apply(change_id)


def _arm(plan: Path, content: dict[str, object]) -> None:
    draft = plan.with_suffix(".draft")
    draft.write_text(json.dumps(content))
    draft.rename(plan)


async def _survived(victim: Child) -> bool:
    """Whether the process still runs a moment after its answer, or the lack of one."""
    for _ in range(5):
        if not victim.alive:
            return False
        await asyncio.sleep(0.02)
    return victim.alive

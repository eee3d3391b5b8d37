"""Programs that use the library while everything behind it dies, freezes and comes back."""

import asyncio
import contextlib
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

from chaos.arena import Arena, Outcome
from chaos.client_fleet import ClientFleet, Member, sums
from chaos.client_kinds import PAIRS, Kind, kinds, old_github, scripts
from chaos.pair_editor import PairEditor
from chaos.scenarios import Extent
from stack.child import Child

CONVERGE_SECONDS: Final = 40.0
EDIT_PAUSE_SECONDS: Final = 0.2
KILLS_A_FAULT: Final = 4
LEAVE_SECONDS: Final = 6.0
MOST_FILES: Final = 60
MOST_GROWTH_KIB: Final = 40 * 1024
MOST_THREADS: Final = 40
SCRIPT_PAUSE_SECONDS: Final = 1.5
SETTLE_SECONDS: Final = 0.5

Fault = Callable[[Arena, float], Awaitable[None]]


async def clients(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Fifty programs, scripts beside them, and a fault after another."""
    await attack(arena, outcome, faults=extent.kills // KILLS_A_FAULT, seconds=extent.fault_seconds)


async def attack(arena: Arena, outcome: Outcome, *, faults: int, seconds: float, share: float = 1.0) -> None:
    """Let clients read while faults happen that last so many seconds; `share` of the fifty take part."""
    editor = PairEditor(arena.client(tries=6), PAIRS)
    await editor.begin()
    with tempfile.TemporaryDirectory(prefix="clients-") as folder:
        async with old_github() as github_url, a_fleet(arena, Path(folder)) as fleet:
            chosen = kinds(github_url)
            outcome.problems += await start_all(arena, fleet, chosen, share)
            async with in_background(editor, fleet):
                await make_faults(arena, fleet, chosen, faults, seconds)
            await arena.revive()
            expected = await editor.finish()
            behind, waited = await fleet.converge(expected, CONVERGE_SECONDS)
            outcome.problems += behind
            outcome.figures["seconds until all clients had the last edit"] = round(waited, 2)
            await fleet.stop(fleet.running)
            judge(fleet, editor, outcome)


@contextlib.asynccontextmanager
async def a_fleet(arena: Arena, folder: Path) -> AsyncIterator[ClientFleet]:
    fleet = ClientFleet(arena.stack.base_url, folder)
    try:
        yield fleet
    finally:
        await fleet.end()


async def start_all(arena: Arena, fleet: ClientFleet, chosen: list[Kind], share: float) -> list[str]:
    """Start the clients; return what is wrong about that."""
    for kind in chosen:
        for number in range(max(1, round(kind.share * share))):
            await start_one(fleet, kind, number)
    arena.say(f"  {len(fleet.members)} clients start")
    return await fleet.wait_warm()


async def start_one(fleet: ClientFleet, kind: Kind, number: int) -> Member:
    name = f"{kind.name} {number + 1}"
    return await fleet.start(kind.make(name), kind.settings, cache=kind.disk or name)


@contextlib.asynccontextmanager
async def in_background(editor: PairEditor, fleet: ClientFleet) -> AsyncIterator[None]:
    """Edit without end, and let scripts come and go."""
    stopping = asyncio.Event()
    tasks = [
        asyncio.create_task(editor.go_on(stopping, EDIT_PAUSE_SECONDS)),
        asyncio.create_task(run_scripts(fleet, stopping)),
    ]
    try:
        yield
    finally:
        stopping.set()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended


async def run_scripts(fleet: ClientFleet, stopping: asyncio.Event) -> None:
    for plan, settings, disk in scripts():
        if stopping.is_set():
            return
        await fleet.start(plan, settings, cache=disk)
        await asyncio.sleep(SCRIPT_PAUSE_SECONDS)


async def make_faults(
    arena: Arena, fleet: ClientFleet, chosen: list[Kind], faults: int, seconds: float
) -> None:
    """Every fault at least once if there is time, in an order of chance; clients die and return meanwhile."""
    order: list[Fault] = []
    while len(order) < faults:
        order += arena.chance.sample(FAULTS, len(FAULTS))
    for number, fault in enumerate(order[:faults], start=1):
        lasting = seconds * arena.chance.uniform(0.2, 1.0)
        arena.say(f"  {number}: {fault.__name__}, {lasting:.1f} s")
        await fault(arena, lasting)
        await replace_one(arena, fleet, chosen)
        await asyncio.sleep(arena.chance.uniform(0, 2 * SETTLE_SECONDS))


async def replace_one(arena: Arena, fleet: ClientFleet, chosen: list[Kind]) -> None:
    """Kill a client, and start it again on its disk."""
    kind = arena.chance.choice(chosen)
    mine = [member for member in fleet.running if member.plan.name.startswith(f"{kind.name} ")]
    if not mine or kind.disk == "a":  # the offline ones read what those of that disk write
        return
    victim = arena.chance.choice(mine)
    await fleet.kill(victim)
    await start_one(fleet, kind, int(victim.plan.name.rpartition(" ")[2]) - 1)


async def one_service_is_killed(arena: Arena, seconds: float) -> None:
    victim = arena.chance.choice(arena.stack.services)
    await victim.kill()
    await asyncio.sleep(seconds)
    await victim.start()


async def all_readers_are_killed(arena: Arena, seconds: float) -> None:
    await _killed(arena.stack.reads, seconds)


async def all_writers_are_killed(arena: Arena, seconds: float) -> None:
    await _killed(arena.stack.writes, seconds)


async def gateway_is_killed(arena: Arena, seconds: float) -> None:
    await _killed([arena.stack.gateway], seconds)


async def everything_is_killed(arena: Arena, seconds: float) -> None:
    await _killed(arena.stack.children, seconds)


async def one_service_freezes(arena: Arena, seconds: float) -> None:
    await _frozen([arena.chance.choice(arena.stack.services)], seconds)


async def all_readers_freeze(arena: Arena, seconds: float) -> None:
    await _frozen(arena.stack.reads, seconds)


async def gateway_freezes(arena: Arena, seconds: float) -> None:
    await _frozen([arena.stack.gateway], seconds)


async def broker_is_killed(arena: Arena, seconds: float) -> None:
    await arena.stack.neighbours.kill("rabbit")
    await asyncio.sleep(seconds)
    await arena.stack.neighbours.start("rabbit")


async def broker_freezes(arena: Arena, seconds: float) -> None:
    arena.stack.neighbours.freeze("rabbit")
    await asyncio.sleep(seconds)
    arena.stack.neighbours.thaw("rabbit")


async def store_freezes(arena: Arena, seconds: float) -> None:
    arena.stack.neighbours.freeze("s3")
    await asyncio.sleep(seconds)
    arena.stack.neighbours.thaw("s3")


FAULTS: Final[list[Fault]] = [
    one_service_is_killed,
    all_readers_are_killed,
    all_writers_are_killed,
    gateway_is_killed,
    everything_is_killed,
    one_service_freezes,
    all_readers_freeze,
    gateway_freezes,
    broker_is_killed,
    broker_freezes,
    store_freezes,
]


async def _killed(victims: list[Child], seconds: float) -> None:
    await asyncio.gather(*(victim.kill() for victim in victims))
    await asyncio.sleep(seconds)
    await asyncio.gather(*(victim.start() for victim in victims))


async def _frozen(victims: list[Child], seconds: float) -> None:
    for victim in victims:
        victim.freeze()
    await asyncio.sleep(seconds)
    for victim in victims:
        victim.thaw()


def judge(fleet: ClientFleet, editor: PairEditor, outcome: Outcome) -> None:
    """Take over what the clients saw, and what they took."""
    for member in fleet.members:
        outcome.problems += member.problems
        outcome.problems += took_too_much(member)
    ended = [member.leaving_seconds for member in fleet.members if member.left_at]
    delays = sorted(
        seen_at - editor.live_at[known, number]
        for member in fleet.members
        for (known, number), seen_at in member.seen_at.items()
        if (known, number) in editor.live_at and member.warm.is_set()
    )
    outcome.figures["clients"] = len(fleet.members)
    outcome.figures["clients did"] = sums(fleet.members)
    outcome.figures["edits"] = dict(editor.live)
    outcome.figures["slowest read in seconds"] = max(
        (report["slowest_seconds"] for member in fleet.members for report in member.reports), default=0
    )
    outcome.figures["slowest end of a program in seconds"] = round(max(ended, default=0), 2)
    if len(delays) > 1:
        steps = statistics.quantiles(delays, n=100)
        outcome.figures["seconds from an edit to its readers"] = (
            f"median {steps[49]:.2f}, 95 % {steps[94]:.2f}, longest {delays[-1]:.2f}"
        )
    usages = [member.usage["end"] for member in fleet.members if "end" in member.usage]
    for name in ("rss_kib", "threads", "files"):
        outcome.figures[f"most {name}"] = max((usage[name] for usage in usages), default=0)


def took_too_much(member: Member) -> list[str]:
    """Return what one client took too much of."""
    name, found = member.plan.name, list[str]()
    if member.leaving_seconds > LEAVE_SECONDS:
        found.append(f"{name} took {member.leaving_seconds:.1f} s to end")
    usage = member.usage.get("end")
    if usage is None:
        return found
    if "warm" in member.usage and usage["rss_kib"] - member.usage["warm"]["rss_kib"] > MOST_GROWTH_KIB:
        found.append(f"{name} grew from {member.usage['warm']} to {usage}")
    if usage["threads"] > MOST_THREADS or usage["files"] > MOST_FILES:
        found.append(f"{name} has {usage}")
    return found

"""What is done to the stack, one scenario after the other. The journal is judged after each."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from chaos.arena import OTHER_APPROVER, Arena, Outcome
from chaos.load import Readings
from chaos.queue_client import CATEGORY, REFERENCES
from stack.child import Child
from stack.neighbours import Neighbour

SETTLE_SECONDS = 1.0
SIGNED_SECONDS = 600  # an S3 server takes no request that was signed a quarter of an hour ago, or ahead
SLOWEST_READ_SHARE = 0.005  # of open reads may fail: an answer that breaks off cannot be taken back


@dataclass(frozen=True, slots=True)
class Extent:
    """How long and how often; from `minutes` on of `mixed`, where a rate of 0 is its own choice."""

    kills: int = 200
    races: int = 20
    fault_seconds: float = 4.0
    minutes: float = 10.0
    rate: float = 0.0
    listeners: int = 1000
    reports: Path = Path("build/reports")


Scenario = Callable[[Arena, Extent, Outcome], Awaitable[None]]


async def races(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Let two approvers meet, approval meet rejection, apply meet apply, on different instances."""
    clients = [arena.client(child.url) for child in arena.stack.writes]
    first, second = clients[0], clients[-1]
    winners = {"approve/approve": 0, "approve/reject": 0, "apply/apply": 0}
    for _ in range(extent.races):
        ids = [await first.propose(arena.log.fresh("race")) for _ in range(2)]
        assert ids[0] is not None
        assert ids[1] is not None
        both = await asyncio.gather(first.approve(ids[0]), second.approve(ids[0], key=OTHER_APPROVER))
        winners["approve/approve"] += sum(both)
        both = await asyncio.gather(first.approve(ids[1]), second.reject(ids[1], key=OTHER_APPROVER))
        winners["approve/reject"] += sum(both)
        both = await asyncio.gather(first.apply(ids[0]), second.apply(ids[0], key=OTHER_APPROVER))
        winners["apply/apply"] += sum(both)
    outcome.figures["winners"] = winners
    outcome.problems += [
        f"{kind}: {count} winners of {extent.races} races"
        for kind, count in winners.items()
        if count != extent.races
    ]


async def one_key_at_once(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Send one proposal with one idempotency key to all instances at the same time."""
    for _ in range(extent.races):
        operation = arena.log.begin("propose")
        body = {"name": arena.log.fresh("once"), "description": f"#{operation.marker}"}
        clients = [arena.client(child.url, tries=2) for child in arena.stack.writes for _ in range(3)]
        path = f"{REFERENCES}/v2/{CATEGORY}"
        answers = await asyncio.gather(*(client.submit(operation, "POST", path, body) for client in clients))
        ids = {answer["change_id"] for answer in answers if answer is not None}
        operation.change_ids = tuple(ids)
        if len(ids) != 1:
            outcome.problems.append(f"{operation.marker}: {len(ids)} changes, answers {operation.statuses}")


async def kills(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Kill services at random instants while clients read and write; freeze some on the way."""
    load = arena.load()
    done = {"killed": 0, "frozen": 0}
    busy: dict[str, asyncio.Task[None]] = {}
    async with load.running(arena.read_urls):
        while done["killed"] < extent.kills:
            await asyncio.sleep(arena.chance.uniform(0.05, 0.6))
            idle = [child for child in arena.stack.services if _is_idle(child, busy)]
            if len(idle) <= 2:
                continue
            victim = arena.chance.choice(idle)
            if arena.chance.random() < 0.1:
                done["frozen"] += 1
                busy[victim.name] = asyncio.create_task(_freeze(victim, arena.chance.uniform(0.5, 6)))
            else:
                done["killed"] += 1
                busy[victim.name] = asyncio.create_task(victim.restart())
            if done["killed"] % 20 == 0:
                arena.say(f"  {done['killed']} killed, {arena.log.counts()}")
        for name, ended in zip(
            busy, await asyncio.gather(*busy.values(), return_exceptions=True), strict=True
        ):
            if isinstance(ended, BaseException):
                outcome.problems.append(f"{name} did not come back: {str(ended).splitlines()[0]}")
    outcome.figures.update(done)
    judge_readings(load.readings, outcome)


def _is_idle(child: Child, busy: dict[str, asyncio.Task[None]]) -> bool:
    return child.name not in busy or busy[child.name].done()


async def _freeze(child: Child, seconds: float) -> None:
    child.freeze()
    await asyncio.sleep(seconds)
    child.thaw()


async def neighbours_die(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Kill and freeze RabbitMQ, Redis and SeaweedFS under load, and bring them back."""
    nodes = arena.stack.neighbours
    names: tuple[Neighbour, ...] = ("redis", "rabbit", "s3")
    load = arena.load()
    async with load.running(arena.read_urls):
        for name in names:
            arena.say(f"  {name} frozen")
            nodes.freeze(name)
            await asyncio.sleep(extent.fault_seconds)
            nodes.thaw(name)
            await asyncio.sleep(SETTLE_SECONDS)
            arena.say(f"  {name} killed")
            await nodes.kill(name)
            await asyncio.sleep(extent.fault_seconds)
            await nodes.start(name)
            await asyncio.sleep(SETTLE_SECONDS)
    judge_readings(load.readings, outcome)


async def black_holes(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Let connections to the neighbours stay open and pass nothing; refuse them; lose answers."""
    load = arena.load()
    async with load.running(arena.read_urls):
        for name, proxy in arena.stack.neighbours.proxies.items():
            arena.say(f"  the way to {name}: black hole, refusals, lost answers, delays")
            proxy.blackhole()
            await asyncio.sleep(extent.fault_seconds)
            proxy.heal()
            await asyncio.sleep(SETTLE_SECONDS)
            proxy.refuse()
            await asyncio.sleep(extent.fault_seconds / 2)
            proxy.heal()
            for _ in range(5):
                proxy.lose_answers(3)
                await asyncio.sleep(SETTLE_SECONDS / 2)
            proxy.delay_seconds = 0.05
            await asyncio.sleep(SETTLE_SECONDS)
            proxy.heal()
    outcome.figures["answers lost"] = {
        name: proxy.lost for name, proxy in arena.stack.neighbours.proxies.items()
    }
    judge_readings(load.readings, outcome)


async def clock_jumps(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Let the clock of one write-queue jump back and forth, by up to years, under load."""
    if arena.clock is None:
        outcome.figures["left out"] = "no C compiler for the shim"
        return
    load = arena.load()
    async with load.running(arena.read_urls):
        for seconds in (300, -300, 3600, -3600, 400 * 86400, -400 * 86400, 0):
            arena.say(f"  the clock of write-queue-1 is {seconds} s ahead")
            arena.clock.shift(seconds)
            done = await arena.client(arena.stack.writes[0].url).make_live(arena.log.fresh("clock"))
            if not done and abs(seconds) <= SIGNED_SECONDS:
                outcome.problems.append(f"a clock {seconds} s ahead made a write fail")
            await asyncio.sleep(extent.fault_seconds / 2)
    judge_readings(load.readings, outcome)


async def gateway_dies(arena: Arena, extent: Extent, outcome: Outcome) -> None:
    """Kill the gateway under load and start it again, a few times."""
    load = arena.load()
    async with load.running(arena.read_urls):
        for _ in range(3):
            await asyncio.sleep(arena.chance.uniform(0.5, 1.5))
            await arena.stack.gateway.restart()
    outcome.figures["readings"] = dict(load.readings.statuses)
    outcome.problems += [*load.readings.halves, *load.readings.backwards]


def judge_readings(readings: Readings, outcome: Outcome) -> None:
    """Take over what readers got: no half pairs, no way back, nearly no failure."""
    outcome.figures["readings"] = dict(sorted(readings.statuses.items()))
    outcome.problems += [*readings.halves[:20], *readings.backwards[:20]]
    total = sum(count for name, count in readings.statuses.items() if name.startswith("open"))
    if readings.failures > total * SLOWEST_READ_SHARE:
        outcome.problems.append(f"{readings.failures} of {total} open reads through the gateway failed")

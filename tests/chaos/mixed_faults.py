"""Does to the parts of the stack what the plan says, and sees how long they take to be themselves again."""

import asyncio
import time
from typing import Final

from chaos.arena import Arena
from chaos.mixed_plan import Fault
from chaos.queue_client import QUEUE
from stack.child import Child
from stack.neighbours import Neighbour

CONVERGE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.05
PROBE_TRIES: Final = 8
HEADS: Final = {
    "read-api": "/api/heartbeat",
    "stats": "/api/model_references/statistics/image_generation",
    "write-queue": f"{QUEUE}/changes?limit=1",
}
SERVERS: Final[tuple[Neighbour, ...]] = ("rabbit", "redis", "s3")


async def strike(arena: Arena, fault: Fault) -> None:
    """Begin a fault."""
    if fault.part in SERVERS:
        await _strike_server(arena, fault.part, fault)
        return
    child = child_of(arena, fault.part)
    if fault.how == "kill":
        await child.kill()
    else:
        child.freeze()


async def heal(arena: Arena, fault: Fault) -> None:
    """End a fault; what was killed is ready when this returns. Raises `StackFailed`, `NodeFailed`."""
    if fault.part in SERVERS:
        await _heal_server(arena, fault.part, fault)
        return
    child = child_of(arena, fault.part)
    if fault.how == "kill":
        await child.start()
    else:
        child.thaw()


async def _strike_server(arena: Arena, name: Neighbour, fault: Fault) -> None:
    neighbours = arena.stack.neighbours
    match fault.how:
        case "kill":
            await neighbours.kill(name)
        case "freeze":
            neighbours.freeze(name)
        case "cut off":
            neighbours.proxies[name].refuse()
        case "black hole":
            neighbours.proxies[name].blackhole()


async def _heal_server(arena: Arena, name: Neighbour, fault: Fault) -> None:
    neighbours = arena.stack.neighbours
    match fault.how:
        case "kill":
            await neighbours.start(name)
        case "freeze":
            neighbours.thaw(name)
        case "cut off" | "black hole":
            neighbours.proxies[name].heal()


def child_of(arena: Arena, name: str) -> Child:
    """Return the process of a name."""
    return next(child for child in arena.stack.services if child.name == name)


async def converge(arena: Arena) -> list[str]:
    """Wait until a new change is live and every instance is at its revision; return those that never were."""
    begun, behind = time.monotonic(), ["no write is accepted"]
    while not await arena.client(tries=PROBE_TRIES).make_live(arena.log.fresh("probe")):
        if time.monotonic() - begun > CONVERGE_SECONDS:
            return behind
    heads = await asyncio.gather(*(head(arena, child) for child in arena.stack.writes))
    newest = max(found or 0 for found in heads)
    while time.monotonic() - begun < CONVERGE_SECONDS:
        found = await asyncio.gather(*(head(arena, child) for child in arena.stack.services))
        named = zip(arena.stack.services, found, strict=True)
        behind = [f"{child.name} is at {at}, not {newest}" for child, at in named if (at or 0) < newest]
        if not behind:
            return []
        await asyncio.sleep(LOOK_SECONDS)
    return behind


async def head(arena: Arena, child: Child) -> int | None:
    """Return the revision an instance is at; None if it does not say."""
    client = arena.client(child.url)
    path = HEADS[child.kind]
    status, headers, _ = await (client.get(path) if child.kind == "write-queue" else client.get(path, key=""))
    return int(headers["X-Revision"]) if status == 200 and "X-Revision" in headers else None

"""Many programs that follow one service, and when each of them saw a change."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.children import process_seconds, waiting_seconds
from bench.client_programs import Talking, Users
from bench.client_proposals import Wanted

STARTED_AT_ONCE: Final = 6
LISTENING_SECONDS: Final = 3.0  # so long after loading everything a program listens for certain
ALL_SAW_SECONDS: Final = 30.0


@dataclass(slots=True)
class Audience:
    """The programs; `seen` holds moments of `time.perf_counter` by the number of the change."""

    programs: Sequence[Talking]
    seen: dict[int, list[float]] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, program: Talking) -> None:
        """Take note of what a program saw, until cancelled."""
        while True:
            said = await program.hear(None)
            self.seen.setdefault(int(said["number"]), []).append(float(said["seen"]))
            self.changed.set()

    async def all_saw(self, number: int) -> list[float]:
        """Return when each saw a change. Raises `RuntimeError` if some do not see it."""
        try:
            async with asyncio.timeout(ALL_SAW_SECONDS):
                while len(self.seen.get(number, ())) < len(self.programs):
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            saw = len(self.seen.get(number, ()))
            raise RuntimeError(f"{saw} of {len(self.programs)} programs saw change {number}") from None
        return self.seen[number]

    def processor_seconds(self) -> float:
        """Return what they all worked so far."""
        return sum(process_seconds(program.pid) for program in self.programs)

    def waiting_seconds(self) -> float:
        """Return how long they all were ready to work while others had the processors."""
        return sum(waiting_seconds(program.pid) for program in self.programs)


@contextlib.asynccontextmanager
async def audience_of(users: Users, wanted: Sequence[Wanted], size: int) -> AsyncIterator[Audience]:
    """Run so many programs that listen for these changes."""
    async with contextlib.AsyncExitStack() as exits:
        programs = await _started(exits, users, wanted, size)
        audience = Audience(programs)
        tasks = [asyncio.create_task(audience.listen(program)) for program in programs]
        try:
            await asyncio.sleep(LISTENING_SECONDS)
            yield audience
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for program in programs:
                program.stop()


async def _started(
    exits: contextlib.AsyncExitStack, users: Users, wanted: Sequence[Wanted], size: int
) -> list[Talking]:
    """Start the programs, some at a time, and wait until each has loaded everything."""
    awaited = json.dumps([[one.category, one.name, one.description] for one in wanted])
    places = asyncio.Semaphore(STARTED_AT_ONCE)

    async def start() -> Talking:
        async with places:
            program = await exits.enter_async_context(users.running("subscriber"))
            await program.say(awaited)
            await program.hear()
        return program

    return await asyncio.gather(*(start() for _ in range(size)))

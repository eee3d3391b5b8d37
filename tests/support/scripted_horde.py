"""An AI-Horde without a network, which answers or fails as a test wants."""

import asyncio
from collections.abc import Callable
from typing import Any

from horde_model_reference.integrations.horde_figures import ModelStatus, Usage, Worker
from stats.domain.runtime import HordeKind, Received, Source
from stats.horde.answers import HordeCallFailed
from stats.horde.client import CALLS, Call


def a_line(name: str = "Deliberate", *, threads: int = 1) -> ModelStatus:
    return ModelStatus(name, threads, 1.5, 2.25, 3.0, 4)


def a_worker(*models: str, worker_id: str = "w1") -> Worker:
    return Worker(worker_id, f"name of {worker_id}", "2.3 mps", True, False, True, 5.5, models)


def figures(source: Source, number: int = 1) -> Any:
    """Return figures of the source that tell one number from another."""
    match source:
        case Source.STATUS:
            return (a_line(threads=number),)
        case Source.USAGE:
            return {"Deliberate": Usage(number, 2 * number, 3 * number)}
        case Source.WORKERS:
            return (a_worker("Deliberate", worker_id=f"w{number}"),)


class ScriptedHorde:
    """Calls in `failing` fail, those in `empty` give nothing, those in `hanging` never end.

    `number` is in every answer; `made` are the calls so far, tries of the same call not counted.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self.number = 1
        self.failing: set[Call] = set()
        self.empty: set[Call] = set()
        self.hanging: set[Call] = set()
        self.demanded_seconds = 0.0
        self.made: list[Call] = []
        self.probes = 0

    def fail(self) -> None:
        self.failing = set(CALLS)

    def heal(self) -> None:
        self.failing, self.empty, self.hanging, self.demanded_seconds = set(), set(), set(), 0.0

    async def fetch(self, call: Call) -> Received[Any] | None:
        self.made.append(call)
        if call in self.hanging:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        if call in self.failing:
            raise HordeCallFailed("fails", retry_after_seconds=self.demanded_seconds)
        if call in self.empty:
            return None
        return Received(figures(call[1], self.number), self._wall())

    async def probe(self, call: Call) -> Received[Any] | None:
        self.probes += 1
        return await self.fetch(call)


TEXT_USAGE: Call = (HordeKind.TEXT, Source.USAGE)
IMAGE_STATUS: Call = (HordeKind.IMAGE, Source.STATUS)

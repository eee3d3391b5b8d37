"""Applying changes, and how soon every read-api serves the new revision."""

import asyncio
import contextlib
import gc
import itertools
import random
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import aiohttp

from bench.figures import Figure
from bench.percentiles import p99_figure
from bench.write_stack import API, Scene, Told

APPLY_MS = 150.0
VISIBLE_MS = {"clip": 100.0, "image_generation": 100.0, "text_generation": 300.0}
PAUSE_SECONDS = 0.05
HEARD_SECONDS = 15.0
POLL_SECONDS = 5.0  # the default of the setting


@dataclass(slots=True)
class Watcher:
    """Hears from the live feed of a read-api when it serves a revision."""

    url: str
    served: dict[int, float] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self, session: aiohttp.ClientSession) -> None:
        """Listen until cancelled."""
        async with session.get(f"{self.url}{API}/v2/events") as answer:
            while line := await answer.content.readline():
                if line.startswith(b"id:"):
                    self.served.setdefault(int(line[3:]), time.perf_counter())
                    self.changed.set()

    async def wait_for(self, revision: int) -> float:
        """Return when the revision was served. Raises `RuntimeError`."""
        try:
            async with asyncio.timeout(HEARD_SECONDS):
                while revision not in self.served:
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            heard = max(self.served, default=None)
            raise RuntimeError(f"{self.url} told of revision {heard}, not of {revision}") from None
        return self.served[revision]


@dataclass(frozen=True, slots=True)
class Applied:
    """One change: when it was asked for, answered, and served by the last read-api."""

    told: Told
    served: float

    @property
    def since_answer(self) -> float:
        return max(0.0, self.served - self.told.answered) * 1000

    @property
    def since_start(self) -> float:
        return (self.served - self.told.asked) * 1000


@contextlib.asynccontextmanager
async def watching(scene: Scene) -> AsyncIterator[list[Watcher]]:
    """Listen to every read-api."""
    watchers = [Watcher(child.url) for child in scene.stack.reads]
    tasks = [asyncio.create_task(watcher.watch(scene.session)) for watcher in watchers]
    try:
        for watcher in watchers:
            await asyncio.wait_for(watcher.changed.wait(), HEARD_SECONDS)  # its head, when it is attached
        yield watchers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measure(scene: Scene, *, samples: int) -> list[Figure]:
    """Return times of applying and of being visible, for categories of different size."""
    ids = {category: await _proposed(scene, category, samples) for category in VISIBLE_MS}
    await scene.gateway.approve([one for some in ids.values() for one in some])
    await asyncio.sleep(POLL_SECONDS)  # at most so far behind is a read-api that hears of revisions only
    figures: list[Figure] = []
    async with watching(scene) as watchers:
        for category, some in ids.items():
            waited = scene.waiting_seconds()
            applied = await _series(scene, some, watchers)
            waited = (scene.waiting_seconds() - waited) / len(some) * 1000
            figures += _figures(category, applied, f"services waited {waited:.1f} for a processor at each")
    return figures


async def measure_without_broker(scene: Scene, *, samples: int) -> list[Figure]:
    """Return how soon changes are visible while RabbitMQ is away."""
    ids = await _proposed(scene, "clip", samples)
    await scene.gateway.approve(ids)
    async with watching(scene) as watchers:
        await scene.stack.neighbours.kill("rabbit")
        taken = []
        for n, one in enumerate(ids):
            await asyncio.sleep(random.uniform(0, 1))
            taken.append(await _apply_and_see(scene, n, one, watchers))
    longest = max(one.since_answer for one in taken) / 1000
    return [
        Figure(
            "apply's answer until visible everywhere, without the broker: longest",
            longest,
            "s",
            POLL_SECONDS + VISIBLE_MS["clip"] / 1000,
            note=f"{len(taken)} samples; looks for new entries every {POLL_SECONDS:g} s",
        ),
        p99_figure("apply p99 without the broker, clip", [one.told.milliseconds for one in taken], APPLY_MS),
    ]


async def _proposed(scene: Scene, category: str, count: int) -> list[int]:
    """Propose changes of models that differ, so that all can be applied; return their ids."""
    records = await scene.records(category)
    new = len(records) < count
    ids = []
    for n, (name, record) in zip(range(count), itertools.cycle(records.items()), strict=False):
        label = f"measured {time.time_ns()}" if new else name
        body = {**record, "name": label, "description": f"Applied as the {n}th."}
        told = await scene.doors[n % len(scene.doors)].propose(category, label, body, new=new)
        ids.append(int(told.value["change_id"]))
    return ids


async def _series(scene: Scene, ids: Sequence[int], watchers: Sequence[Watcher]) -> list[Applied]:
    gc.disable()  # its pauses would be taken for the server's
    try:
        return [await _apply_and_see(scene, n, one, watchers) for n, one in enumerate(ids)]
    finally:
        gc.enable()


async def _apply_and_see(scene: Scene, n: int, change_id: int, watchers: Sequence[Watcher]) -> Applied:
    await asyncio.sleep(PAUSE_SECONDS)
    doors = scene.doors
    told = await doors[n % len(doors)].apply(change_id)
    served = await asyncio.gather(*(watcher.wait_for(told.revision) for watcher in watchers))
    return Applied(told, max(served))


def _figures(category: str, applied: Sequence[Applied], note: str) -> list[Figure]:
    seen = "visible on every read-api p99"
    return [
        p99_figure(f"apply p99, {category}", [one.told.milliseconds for one in applied], APPLY_MS, note),
        p99_figure(
            f"apply's answer until {seen}, {category}",
            [one.since_answer for one in applied],
            VISIBLE_MS[category],
        ),
        p99_figure(f"apply's start until {seen}, {category}", [one.since_start for one in applied]),
    ]

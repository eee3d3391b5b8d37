"""Proposals at a constant rate to queues of different lengths, in rounds that alternate between them."""

import asyncio
import gc
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.figures import Figure
from bench.percentiles import p99_figure, percentile
from bench.write_stack import Scene, Told, Writer

RATE = 10.0
ROUND_SECONDS = 8.0
WARM_UP = 12
TARGET_MS = 50.0
GROWTH = 1.5
CATEGORIES = ("clip", "image_generation", "text_generation")


@dataclass(frozen=True, slots=True)
class Sample:
    """One proposal. Latency counts from when it was due, whatever the ones before it took."""

    category: str
    through_gateway: bool
    milliseconds: float


@dataclass(slots=True)
class Series:
    """Everything that was proposed to one queue."""

    scene: Scene
    records: Mapping[str, dict[str, dict[str, Any]]]
    samples: list[Sample] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)
    waited_seconds: float = 0.0
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def warm_up(self) -> None:
        """Propose something by every way, so that everything is connected and loaded."""
        for _ in range(WARM_UP):
            await self._one(next(self._numbers))

    async def send_round(self, seconds: float) -> None:
        """Propose at the constant rate for some time."""
        start = time.perf_counter() + 0.1
        before, waited = len(self.samples), self.scene.waiting_seconds()
        async with asyncio.TaskGroup() as group:
            for n in range(int(RATE * seconds)):
                due = start + n / RATE
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(self._timed(due))
        self.waited_seconds += self.scene.waiting_seconds() - waited
        self.rounds.append(percentile([one.milliseconds for one in self.samples[before:]], 0.99))

    async def _timed(self, due: float) -> None:
        category, door, told = await self._one(next(self._numbers))
        through_gateway = door.root_url == self.scene.stack.root_url
        self.samples.append(Sample(category, through_gateway, (told.answered - due) * 1000))

    async def _one(self, number: int) -> tuple[str, Writer, Told]:
        doors = self.scene.doors
        # every category by every way
        category, door = CATEGORIES[number % 3], doors[number // 3 % len(doors)]
        names = list(self.records[category])
        name = names[number // 3 % len(names)]
        body = {**self.records[category][name], "description": f"Proposed in passing, number {number}."}
        return category, door, await door.propose(category, name, body, new=False)


async def measure(scenes: Sequence[Scene], *, rounds: int) -> list[Figure]:
    """Return the p99 for each scene, the one with the fewest changes first, and how it grew."""
    series = [Series(scene, {name: await scene.records(name) for name in CATEGORIES}) for scene in scenes]
    for one in series:
        await one.warm_up()
    gc.disable()  # its pauses would be taken for the server's
    try:
        for _ in range(rounds):
            for one in series:
                await one.send_round(ROUND_SECONDS)
    finally:
        gc.enable()
    return [*(figure for one in series for figure in _figures(one)), _growth(series[0], series[-1])]


def _figures(series: Series) -> list[Figure]:
    samples, queue = series.samples, f"{series.scene.changes:,} changes in the queue"
    means = []
    for category in CATEGORIES:
        taken = [one.milliseconds for one in samples if one.category == category]
        means.append(f"{category} {percentile(taken, 0.5):.1f}")
    ways = {"gateway": True, "direct": False}
    for way, through_gateway in ways.items():
        taken = [one.milliseconds for one in samples if one.through_gateway is through_gateway]
        means.append(f"{way} {percentile(taken, 0.5):.1f} (p99 {percentile(taken, 0.99):.1f})")
    rounds = ", ".join(f"{one:.1f}" for one in series.rounds)
    waited = series.waited_seconds / len(samples) * 1000
    note = (
        f"p99 of the rounds {rounds}; p50 of {', '.join(means)}; "
        f"services waited {waited:.1f} for a processor at each"
    )
    every = [one.milliseconds for one in samples]
    return [p99_figure(f"proposal p99 at {RATE:g}/s, {queue}", every, TARGET_MS, note)]


def _growth(small: Series, large: Series) -> Figure:
    few, many = ([one.milliseconds for one in series.samples] for series in (small, large))
    ratios = {share: percentile(many, share) / percentile(few, share) for share in (0.5, 0.9, 0.99)}
    note = f"p50 {ratios[0.5]:.2f}, p90 {ratios[0.9]:.2f}"
    name = f"proposal p99 with {large.scene.changes:,} changes to that with {small.scene.changes:,}"
    return Figure(name, ratios[0.99], "", GROWTH, note=note)

"""Instances of the stats service as far as they ask the AI-Horde, in a time that a test makes pass."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from service_kit.cache import Cache
from service_kit.lease import Held, MemoryLease, Table
from service_kit.memory_cache import MemoryCache
from service_kit.memory_event_bus import MemoryEventBus
from stats.horde.breaker import Breaker
from stats.horde.figures import Figures
from stats.horde.first_figures import FirstFigures
from stats.horde.instance import Instance, Neighbours
from stats.horde.refresher import Refresher
from stats.horde.shared_figures import SharedFigures
from stats.horde.timing import Timing
from support.a_clock import AClock
from support.scripted_horde import ScriptedHorde


class Shared:
    """A cache and leases that all instances share, until it is `away`."""

    def __init__(self, clock: AClock) -> None:
        self.clock = clock
        self.cache = MemoryCache(clock=clock)
        self.table: Table = {}
        self.away = False

    def forget(self) -> None:
        self.cache = MemoryCache(clock=self.clock)
        self.table.clear()


class SharedCache(Cache):
    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def get_many(self, keys: list[str]) -> list[bytes | None]:
        return [None] * len(keys) if self._shared.away else await self._shared.cache.get_many(keys)

    async def set_many(self, items: dict[str, bytes], *, ttl_seconds: float) -> None:
        if not self._shared.away:
            await self._shared.cache.set_many(items, ttl_seconds=ttl_seconds)


class SharedLease:
    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._lease = MemoryLease(shared.table, clock=shared.clock)

    async def hold(self, name: str, *, seconds: float) -> Held:
        return Held.UNKNOWN if self._shared.away else await self._lease.hold(name, seconds=seconds)

    async def claim(self, name: str, *, seconds: float) -> Held:
        return Held.UNKNOWN if self._shared.away else await self._lease.claim(name, seconds=seconds)

    async def release(self, name: str) -> None:
        await self._lease.release(name)


@dataclass
class One:
    """One instance."""

    figures: Figures
    instance: Instance
    first: FirstFigures
    breaker: Breaker
    bus: MemoryEventBus = field(default_factory=MemoryEventBus)

    async def look(self) -> None:
        """Look, and let what it begins come to its end."""
        await self.instance.look()
        await self.settle()

    async def settle(self) -> None:
        await self.instance.wait_for_round(30)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - what it waits for has many causes
            await asyncio.sleep(0.001)


class World:
    """Some instances, one AI-Horde, and two clocks."""

    def __init__(self, count: int = 1, *, timing: Timing | None = None) -> None:
        self.monotonic, self.wall = AClock(), AClock(1_790_000_000.0)
        self.timing = replace(
            timing or Timing(partial_seconds=0.05), monotonic=self.monotonic, wall=self.wall
        )
        self.horde = ScriptedHorde(self.wall)
        self.shared = Shared(self.monotonic)
        self.instances = [self.add() for _ in range(count)]

    def add(self) -> One:
        figures, breaker, bus = Figures(self.timing), Breaker(self.timing), MemoryEventBus()
        lease = SharedLease(self.shared)
        shared = SharedFigures(SharedCache(self.shared), life_seconds=3600)
        refresher = Refresher(self.horde, breaker, self.timing)
        instance = Instance(figures, refresher, breaker, Neighbours(shared, lease, bus), self.timing)
        return One(figures, instance, FirstFigures(figures, instance, lease, self.timing), breaker, bus)

    def pass_seconds(self, seconds: float) -> None:
        self.monotonic.advance(seconds)
        self.wall.advance(seconds)

    async def live(self, seconds: float, *, step_seconds: float = 3.0) -> None:
        """Let every instance look at its interval for so long."""
        for _ in range(int(seconds / step_seconds)):
            for one in self.instances:
                await one.look()
            self.pass_seconds(step_seconds)
        await asyncio.sleep(0)

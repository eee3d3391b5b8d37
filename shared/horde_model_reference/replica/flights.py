"""One load of a thing at a time, however many ask for it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

Make = Callable[[], Coroutine[Any, Any, None]]


class Flights:
    """Loads under way, by what they load. Belongs to one event loop."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, asyncio.Task[None]] = {}

    def join(self, key: str, make: Make) -> asyncio.Task[None]:
        """Return the load under way, or begin one."""
        running = self._running.get(key)
        return self.begin((key,), make) if running is None else running

    def anew(self, key: str, make: Make) -> asyncio.Task[None]:
        """Return a load that begins after this call: what is under way may have looked too early."""
        running = self._running.get(key)
        if running is None:
            return self.begin((key,), make)
        waiting = self._next.get(key)
        if waiting is None:
            waiting = asyncio.create_task(self._after(running, key, make))
            self._next[key] = waiting
        return waiting

    def begin(self, keys: Iterable[str], make: Make) -> asyncio.Task[None]:
        """Begin a load that serves several keys at once."""
        task = asyncio.create_task(make())
        for key in keys:
            self._running[key] = task
        task.add_done_callback(self._forget)
        return task

    def is_under_way(self, key: str) -> bool:
        """Say whether the thing is being loaded."""
        return key in self._running

    async def cancel(self) -> None:
        """End what is under way."""
        tasks = {*self._running.values(), *self._next.values()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _after(self, running: asyncio.Task[None], key: str, make: Make) -> None:
        await asyncio.wait({running})
        self._next.pop(key, None)
        await asyncio.shield(self.join(key, make))

    def _forget(self, done: asyncio.Task[None]) -> None:
        for key in [key for key, task in self._running.items() if task is done]:
            del self._running[key]

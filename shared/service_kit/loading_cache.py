"""A cache that makes what it does not hold, once for everybody who asks meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from service_kit.sized_cache import SizedCache

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LoadingCache(Generic[Key, Value]):
    """Values that take time to make. A failure is not remembered: the next one to ask tries again."""

    def __init__(self, max_bytes: int, size_of: Callable[[Value], int]) -> None:
        self._cache: SizedCache[Key, Value] = SizedCache(max_bytes, size_of)
        self._making: dict[Key, asyncio.Task[Value]] = {}
        self.hits = 0
        self.misses = 0

    @property
    def held_bytes(self) -> int:
        """How much is held."""
        return self._cache.held_bytes

    def find(self, key: Key) -> Value | None:
        """Return the value under the key if it is held."""
        held = self._cache.find(key)
        if held is not None:
            self.hits += 1
        return held

    async def get(self, key: Key, make: Callable[[], Awaitable[Value]]) -> Value:
        """Return the value under the key, made if need be. Raises what `make` raises."""
        held = self.find(key)
        if held is not None:
            return held
        self.misses += 1
        making = self._making.get(key)
        if making is None:
            making = asyncio.create_task(self._make(key, make))
            self._making[key] = making
            making.add_done_callback(lambda task: self._forget(key, task))
        return await asyncio.shield(making)  # one caller that gives up must not stop it for the others

    async def close(self) -> None:
        """Stop making values."""
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)

    async def _make(self, key: Key, make: Callable[[], Awaitable[Value]]) -> Value:
        value = await make()
        self._cache.hold(key, value)
        return value

    def _forget(self, key: Key, task: asyncio.Task[Value]) -> None:
        del self._making[key]
        if not task.cancelled():
            task.exception()  # whoever asked has it; if all gave up, nobody needs it

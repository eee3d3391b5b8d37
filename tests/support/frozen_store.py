"""An object store that can be made to stop answering, and to go on."""

import asyncio
from collections.abc import Awaitable, Callable

from service_kit.object_store import ObjectStore
from support.faulty_store import FaultyStore, T


class FrozenStore(FaultyStore):
    """While frozen every operation waits, without an answer and without an error."""

    def __init__(self, inner: ObjectStore) -> None:
        super().__init__(inner)
        self._thawed = asyncio.Event()
        self._thawed.set()

    def freeze(self) -> None:
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    async def _run(self, operation: Callable[[], Awaitable[T]]) -> T:
        await self._thawed.wait()
        return await super()._run(operation)

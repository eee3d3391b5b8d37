"""An object store that fails on purpose, before or after the inner store did its work."""

from collections.abc import Awaitable, Callable
from typing import Literal, NoReturn, TypeVar

from service_kit.errors import StoreUnavailable
from service_kit.object_store import ObjectStore

Moment = Literal["before", "after"]
T = TypeVar("T")


class Crashed(BaseException):
    """Stands for the death of the process: nothing may catch it."""


class FaultyStore:
    """Passes everything on, but fails once at operation number `at` (the first is 1); 0: never.

    `before`: the inner store never sees the operation. `after`: it is done, but its answer is lost.
    `crash`: raise `Crashed` instead of `StoreUnavailable`. `down`: while true every operation fails.
    """

    def __init__(
        self, inner: ObjectStore, *, at: int = 0, moment: Moment = "before", crash: bool = False
    ) -> None:
        self.inner = inner
        self.at = at
        self.moment = moment
        self.crash = crash
        self.down = False
        self.operations = 0

    async def get(self, key: str) -> bytes:
        return await self._run(lambda: self.inner.get(key))

    async def create(self, key: str, body: bytes) -> None:
        await self._run(lambda: self.inner.create(key, body))

    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
        return await self._run(lambda: self.inner.list_after(prefix, after, limit=limit))

    async def delete(self, key: str) -> None:
        await self._run(lambda: self.inner.delete(key))

    async def _run(self, operation: Callable[[], Awaitable[T]]) -> T:
        self.begin()
        self.operations += 1
        due = self.operations == self.at
        if self.down or (due and self.moment == "before"):
            self.fail()
        try:
            return await operation()
        finally:  # "no such object" is an answer too, and can be lost
            if due:
                self.fail()

    def begin(self) -> None:
        """Called before each operation; for those who decide late."""

    def fail(self) -> NoReturn:
        if self.crash:
            raise Crashed
        raise StoreUnavailable("made to fail")

"""The port of leases: which of several instances does what must be done once."""

import secrets
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol


class Held(Enum):
    """Who has a lease."""

    HERE = "here"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"  # whoever knows does not answer


class Lease(Protocol):
    """Leases by name, each held by one instance for a while.

    A lease says who should act, not who may: a holder that was halted for long may act although another
    holds it by now. A lease never raises, and bounds every wait.
    """

    async def hold(self, name: str, *, seconds: float) -> Held:
        """Take the lease if it is free, or hold it on, for `seconds` from now."""

    async def claim(self, name: str, *, seconds: float) -> Held:
        """Take the lease for `seconds` if nobody has it, this instance included; nothing prolongs it."""

    async def release(self, name: str) -> None:
        """Give the lease back, if it is held here."""


Table = dict[str, tuple[str, float]]
"""Name to holder and end."""


class MemoryLease:
    """Leases among those in this process that are given the same `table`."""

    def __init__(self, table: Table | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._table = {} if table is None else table
        self._clock = clock
        self._token = secrets.token_hex(8)

    async def hold(self, name: str, *, seconds: float) -> Held:
        if self._holder(name) not in {None, self._token}:
            return Held.ELSEWHERE
        self._table[name] = (self._token, self._clock() + seconds)
        return Held.HERE

    async def claim(self, name: str, *, seconds: float) -> Held:
        if self._holder(name) is not None:
            return Held.ELSEWHERE
        return await self.hold(name, seconds=seconds)

    async def release(self, name: str) -> None:
        if self._holder(name) == self._token:
            del self._table[name]

    def _holder(self, name: str) -> str | None:
        holder, until = self._table.get(name, (None, 0.0))
        return holder if self._clock() < until else None

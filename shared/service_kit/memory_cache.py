"""A cache in the memory of this process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from service_kit.telemetry import Telemetry

DEFAULT_MAX_BYTES: Final = 32 * 1024 * 1024


class MemoryCache:
    """Holds values up to `max_bytes` in all; the ones not asked for the longest go first."""

    def __init__(
        self,
        max_bytes: int = DEFAULT_MAX_BYTES,
        *,
        telemetry: Telemetry | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes = max_bytes
        self._telemetry = telemetry
        self._clock = clock
        self._held: OrderedDict[str, tuple[bytes, float]] = OrderedDict()  # value, end of its time
        self.held_bytes = 0

    async def get_many(self, keys: list[str]) -> list[bytes | None]:
        values = [self._get(key) for key in keys]
        if self._telemetry is not None:
            self._telemetry.count_cache_keys(values)
        return values

    async def set_many(self, items: dict[str, bytes], *, ttl_seconds: float) -> None:
        until = self._clock() + ttl_seconds
        for key, value in items.items():
            self._forget(key)
            if len(value) <= self._max_bytes and ttl_seconds > 0:
                self._held[key] = (value, until)
                self.held_bytes += len(value)
        while self.held_bytes > self._max_bytes:
            self._forget(next(iter(self._held)))

    def _get(self, key: str) -> bytes | None:
        if (found := self._held.get(key)) is None:
            return None
        value, until = found
        if self._clock() >= until:
            self._forget(key)
            return None
        self._held.move_to_end(key)
        return value

    def _forget(self, key: str) -> None:
        if (found := self._held.pop(key, None)) is not None:
            self.held_bytes -= len(found[0])

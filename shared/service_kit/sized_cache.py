"""Recent values, up to a total size."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SizedCache(Generic[Key, Value]):
    """Holds values up to a total size in bytes; the ones unused for longest go first.

    The key has to say everything that the value depends on, so that nothing held can be outdated.
    """

    def __init__(self, max_bytes: int, size_of: Callable[[Value], int]) -> None:
        self._max_bytes = max_bytes
        self._size_of = size_of
        self._held: OrderedDict[Key, Value] = OrderedDict()
        self.held_bytes = 0

    def find(self, key: Key) -> Value | None:
        """Return what is held under the key."""
        value = self._held.get(key)
        if value is not None:
            self._held.move_to_end(key)
        return value

    def hold(self, key: Key, value: Value) -> None:
        """Hold a value, unless it alone is too large."""
        size = self._size_of(value)
        if size > self._max_bytes or key in self._held:
            return
        self._held[key] = value
        self.held_bytes += size
        while self.held_bytes > self._max_bytes:
            _, dropped = self._held.popitem(last=False)
            self.held_bytes -= self._size_of(dropped)

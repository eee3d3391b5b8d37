"""The port to a shared cache of bytes."""

from typing import Protocol


class Cache(Protocol):
    """Bytes by key, for a while. A cache never raises: a lost, slow or broken one holds nothing.

    Adapters count and log their failures and bound every wait: a caller loses time, never correctness.
    """

    async def get_many(self, keys: list[str]) -> list[bytes | None]:
        """Return what is held for each key, in the order of the keys."""

    async def set_many(self, items: dict[str, bytes], *, ttl_seconds: float) -> None:
        """Hold the values for at most `ttl_seconds`."""

"""An object store in memory, for tests without I/O. It is under the contract suite like every adapter."""

import bisect

from service_kit.errors import ObjectExists, ObjectMissing
from service_kit.object_keys import check_key, check_prefix


class MemoryObjectStore:
    """Keeps objects in a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes:
        check_key(key)
        try:
            return self.objects[key]
        except KeyError as error:
            raise ObjectMissing(key) from error

    async def create(self, key: str, body: bytes) -> None:
        check_key(key)
        if key in self.objects:
            raise ObjectExists(key)
        self.objects[key] = body

    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
        check_prefix(prefix)
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        start = bisect.bisect_right(keys, after)
        return keys[start : start + limit]

    async def delete(self, key: str) -> None:
        check_key(key)
        self.objects.pop(key, None)

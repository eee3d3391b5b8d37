"""Content-addressed bytes in the object store."""

import asyncio
import contextlib
import hashlib

from registry.errors import BlobCorrupt, BlobMissing
from service_kit.errors import ObjectExists, ObjectMissing
from service_kit.object_store import ObjectStore


class Blobs:
    """Immutable bytes by their SHA-256. Equal content is stored once."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, body: bytes) -> str:
        """Store the bytes unless they are there, and return their hash. Raises `StoreUnavailable`."""
        digest = await asyncio.to_thread(_sha256, body)
        with contextlib.suppress(ObjectExists):  # under this key lies the same content
            await self._store.create(blob_key(digest), body)
        return digest

    async def get(self, digest: str) -> bytes:
        """Return the bytes. Raises `BlobMissing`, `BlobCorrupt`, `StoreUnavailable`."""
        try:
            body = await self._store.get(blob_key(digest))
        except ObjectMissing as error:
            raise BlobMissing(f"blob {digest} does not exist") from error
        found = await asyncio.to_thread(_sha256, body)
        if found != digest:
            raise BlobCorrupt(f"blob {digest} is corrupt: its {len(body)} bytes hash to {found}")
        return body

    async def find(self, digest: str | None) -> bytes | None:
        """Return the bytes, None for None. Raises as `get`."""
        return None if digest is None else await self.get(digest)

    async def keep(self, body: bytes | None) -> str | None:
        """Store the bytes, unless they are None, as `put` does."""
        return None if body is None else await self.put(body)


def blob_key(digest: str) -> str:
    """Return the key of the blob with this hash."""
    return f"blobs/{digest}"


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()

"""The port to create-once object storage."""

from typing import Protocol


class ObjectStore(Protocol):
    """Create-once bytes.

    Keys are ASCII, `/`-separated, without empty, `.` or `..` parts; no key is a folder of another.
    Every method raises `StoreUnavailable` when the store does not answer (`StoreFull` when it has no
    room) and `ValueError` for something that is not a key.
    """

    async def get(self, key: str) -> bytes:
        """Return the whole object. Raises `ObjectMissing`."""

    async def create(self, key: str, body: bytes) -> None:
        """Store the body atomically and durably, or raise `ObjectExists` and leave the first body as it was.

        After `StoreUnavailable` the object may or may not exist: read it back.
        """

    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
        """Return the first `limit` keys that start with `prefix` and sort after `after`, in order.

        `prefix` ends with `/` and names one flat folder, such as `checkpoints/`.
        """

    async def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error.

        Only checkpoints, probes, and hours of the usage history that a day's object holds are ever removed;
        by a restore also the journal that it replaces, its guard, and damaged blobs.
        """

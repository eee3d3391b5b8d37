"""What the feed and the differences need of former revisions, wherever those are kept."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Final, Protocol

from read_api.domain.records import iterate_records
from registry.catalogue import CategoryBlobs
from service_kit.documents import Document
from service_kit.slices import Steps, Workshop

Records = Mapping[str, bytes]
"""The records of one document by key, in its order, each as its own bytes."""

NO_RECORDS: Final[Records] = {}


def record_steps(document: bytes) -> Steps[Records]:
    """Take a v2 document apart. Raises `DocumentUnreadable`."""
    records: dict[str, bytes] = {}
    for record in iterate_records(document):
        records[record.key] = record.body
        yield
    return records


class Past(Protocol):
    """The revisions up to the one that is being served.

    `lineage` becomes another number when revisions begin to stand for something else than they did; it is
    None where that cannot happen.
    """

    workshop: Workshop

    @property
    def lineage(self) -> int | None:
        """Which catalogue the revisions are of."""

    @property
    def revision(self) -> int:
        """The newest revision; 0 while there is none."""

    def next_after(self, revision: int) -> int | None:
        """Return the revision that came next; None where that is not known."""

    def event(self, revision: int) -> bytes:
        """Return what the live feed tells of a revision. Raises `NotFound`."""

    async def blobs(self, revision: int) -> Mapping[str, CategoryBlobs]:
        """Return the hashes of the documents of a revision; none for 0. Raises `NotFound`, and as reading."""

    async def records(self, digest: str | None) -> Records:
        """Return the records of a v2 document; none for None. Raises as reading does."""

    async def answer(self, key: Hashable, make: Callable[[], Awaitable[Document]]) -> Document:
        """Return what answers a request, made in its turn. Raises what `make` raises, `Busy`."""

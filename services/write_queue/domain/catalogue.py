"""The records of any revision, parsed, with what was used lately kept in memory."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Final, Generic, TypeVar

from horde_model_reference.documents import CategoryDocuments, Record
from horde_model_reference.strict_json import read_json_object
from horde_model_reference.text_documents import TextOpener
from horde_model_reference.v2_format import parse_v2
from registry.blobs import Blobs
from registry.catalogue import CatalogueRef, CategoryBlobs, SideData
from registry.change_record import Form
from registry.documents import load_category
from registry.journal import Journal
from registry.loading import load_side_data
from registry.state import State
from service_kit.errors import NotFound

KEPT_BYTES: Final = 16 * 1024 * 1024
"""Of documents: all categories of the head, and some of former revisions."""

KEPT_RECORDS: Final = 5000
"""Of parsed documents, which take some kilobytes for each record."""

LARGE_BYTES: Final = 64 * 1024
"""Documents from this size are parsed in a thread."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The most recently used of values that are costly to get. They must not be changed.

    They are kept as long as they weigh no more than the limit together; the last one in any case.
    """

    def __init__(self, limit: int, weigh: Callable[[Value], int] = lambda _: 1) -> None:
        self._limit = limit
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[Key, Value] = OrderedDict()

    async def get(self, key: Key, make: Callable[[], Awaitable[Value]]) -> Value:
        """Return the value, getting it if it is not there."""
        if key not in self._values:
            self.put(key, await make())
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: Key, value: Value) -> None:
        """Keep a value."""
        known = self._values.pop(key, None)
        self._weight += self._weigh(value) - (0 if known is None else self._weigh(known))
        self._values[key] = value
        while self._weight > self._limit and len(self._values) > 1:
            _, forgotten = self._values.popitem(last=False)
            self._weight -= self._weigh(forgotten)


class Catalogue:
    """Reads revisions of the catalogue. What it returns is shared: never change it."""

    def __init__(self, blobs: Blobs, journal: Journal) -> None:
        self.blobs = blobs
        self.journal = journal
        self._documents: Recent[CategoryBlobs, CategoryDocuments] = Recent(KEPT_BYTES, _bytes)
        self._parsed: Recent[str, Mapping[str, Record]] = Recent(KEPT_RECORDS, len)
        self._side_data: Recent[str, SideData] = Recent(4)
        self._refs: Recent[int, CatalogueRef] = Recent(256)
        self.opener = TextOpener()

    async def at(self, state: State, revision: int) -> CatalogueRef:
        """Return what a revision consists of. Raises `NotFound`, `JournalError`, `StoreUnavailable`."""
        if state.catalogue is not None and state.catalogue.revision == revision:
            return state.catalogue
        line = state.history.revisions.get(revision)
        if line is None:
            raise NotFound(f"there is no revision {revision}")

        async def read() -> CatalogueRef:
            entry, _ = await self.journal.read(line.sequence)
            if entry.catalogue is None:
                raise NotFound(f"there is no revision {revision}")
            return entry.catalogue

        return await self._refs.get(revision, read)

    async def documents(self, ref: CatalogueRef, category: str) -> CategoryDocuments:
        """Return the documents of a category; empty ones if it was never seeded.

        Raises `BlobMissing`, `BlobCorrupt`, `StoreUnavailable`.
        """
        blobs = ref.categories.get(category)
        if blobs is None:
            return CategoryDocuments(v2=b"{}")
        return await self._documents.get(blobs, lambda: load_category(self.blobs, blobs))

    def remember(self, blobs: CategoryBlobs, documents: CategoryDocuments) -> None:
        """Keep documents that were stored under these hashes, so that they need not be read."""
        self._documents.put(blobs, documents)

    async def records(self, ref: CatalogueRef, category: str) -> Mapping[str, Record]:
        """Return the v2 records of a category by name. Raises as `documents`."""
        blobs = ref.categories.get(category)
        if blobs is None:
            return {}

        async def parse() -> Mapping[str, Record]:
            document = (await self.documents(ref, category)).v2
            if len(document) < LARGE_BYTES:
                return parse_v2(document)
            return await asyncio.to_thread(parse_v2, document)

        return await self._parsed.get(blobs.v2, parse)

    async def legacy_records(self, ref: CatalogueRef, category: str) -> Mapping[str, Record]:
        """Return the legacy records of a category by name; none if it has no legacy form."""
        blobs = ref.categories.get(category)
        if blobs is None or blobs.legacy is None:
            return {}

        async def parse() -> Mapping[str, Record]:
            document = (await self.documents(ref, category)).legacy or b"{}"
            if len(document) < LARGE_BYTES:
                return _legacy_records(document)
            return await asyncio.to_thread(_legacy_records, document)

        return await self._parsed.get(blobs.legacy, parse)

    async def side_data(self, ref: CatalogueRef) -> SideData:
        """Return the side data of a revision."""
        return await self._side_data.get(ref.side_data, lambda: load_side_data(self.blobs, ref.side_data))


def parsed_records(documents: CategoryDocuments, form: Form) -> Mapping[str, Record]:
    """Return the records of a category by name in one of its forms. Blocks for some milliseconds."""
    return parse_v2(documents.v2) if form == "v2" else _legacy_records(documents.legacy or b"{}")


def _bytes(documents: CategoryDocuments) -> int:
    return len(documents.v2) + len(documents.legacy or b"") + len(documents.csv or b"")


def _legacy_records(document: bytes) -> dict[str, Record]:
    members = read_json_object(document, "the legacy document").members
    return {name: member.value for name, member in members.items()}

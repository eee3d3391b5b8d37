"""The records of any revision, parsed, with what was used lately kept in memory."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Final, Generic, TypeVar

from horde_model_reference.documents import CategoryDocuments, Record
from horde_model_reference.strict_json import read_json_object
from horde_model_reference.v2_format import parse_v2
from registry.blobs import Blobs
from registry.catalogue import CatalogueRef, CategoryBlobs, SideData
from registry.documents import load_category
from registry.journal import Journal
from registry.loading import load_side_data
from registry.state import State
from service_kit.errors import NotFound

KEPT: Final = 48
"""Documents, and parsed documents, kept: all categories of the head and some of former revisions."""

LARGE_BYTES: Final = 64 * 1024
"""Documents from this size are parsed in a thread."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The most recently used of values that are costly to get. They must not be changed."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[Key, Value] = OrderedDict()

    async def get(self, key: Key, make: Callable[[], Awaitable[Value]]) -> Value:
        """Return the value, getting it if it is not there."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = await make()
        self._values.move_to_end(key)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)
        return value


class Catalogue:
    """Reads revisions of the catalogue. What it returns is shared: never change it."""

    def __init__(self, blobs: Blobs, journal: Journal) -> None:
        self.blobs = blobs
        self.journal = journal
        self._documents: Recent[CategoryBlobs, CategoryDocuments] = Recent(KEPT)
        self._parsed: Recent[str, Mapping[str, Record]] = Recent(KEPT)
        self._side_data: Recent[str, SideData] = Recent(4)
        self._refs: Recent[int, CatalogueRef] = Recent(256)

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


def _legacy_records(document: bytes) -> dict[str, Record]:
    members = read_json_object(document, "the legacy document").members
    return {name: member.value for name, member in members.items()}

"""Former revisions: what the journal and its blobs say about them, read when somebody asks."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Final, TypeVar

from read_api.domain.live_events import committed_event
from read_api.former_answers import FormerAnswers
from read_api.past import NO_RECORDS, Records, record_steps
from registry.blobs import Blobs
from registry.catalogue import CatalogueRef, CategoryBlobs, SideData
from registry.entries import Entry
from registry.errors import EntryCorrupt
from registry.history_state import RevisionLine
from registry.journal import Journal
from registry.loading import load_side_data
from registry.public_entries import is_public
from registry.state import State
from service_kit.coding import MIN_COMPRESSED_BYTES, Effort
from service_kit.documents import IMMUTABLE, Document, compressed_steps, plain_document
from service_kit.errors import NotFound, StoreUnavailable
from service_kit.loading_cache import LoadingCache
from service_kit.slices import Workshop

T = TypeVar("T")

MAX_HELD_REFS_BYTES: Final = 2 * 1024 * 1024
MAX_HELD_BODIES_BYTES: Final = 16 * 1024 * 1024
MAX_HELD_RECORDS_BYTES: Final = 16 * 1024 * 1024
MAX_HELD_DIFFS_BYTES: Final = 4 * 1024 * 1024
MAX_HELD_ANSWERS_BYTES: Final = 16 * 1024 * 1024
CATEGORY_REF_BYTES: Final = 700  # of the hashes of one category, as objects
ENTRY_OVERHEAD_BYTES: Final = 200  # of a key and its value in a dictionary

READS_AT_ONCE: Final = 8
READ_TIMEOUT_SECONDS: Final = 20.0


class Archive:
    """Reads former revisions, and holds what was asked for recently within fixed bounds.

    `find_state` returns the state of the registry that is being served. Everything that is held is named by
    a revision or by the hash of its content, so nothing can be outdated. What takes time is computed in a
    thread of its own, in slices. Whoever lets clients in should do so through `admission`.
    """

    def __init__(
        self,
        journal: Journal,
        blobs: Blobs,
        find_state: Callable[[], State],
        *,
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
    ) -> None:
        self._read_timeout_seconds = read_timeout_seconds
        self._journal = journal
        self._blobs = blobs
        self._find_state = find_state
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._refs: LoadingCache[int, CatalogueRef] = LoadingCache(MAX_HELD_REFS_BYTES, _ref_bytes)
        self._bodies: LoadingCache[str, bytes] = LoadingCache(MAX_HELD_BODIES_BYTES, len)
        self._records: LoadingCache[str, Records] = LoadingCache(MAX_HELD_RECORDS_BYTES, _records_bytes)
        self.diffs: LoadingCache[Hashable, bytes] = LoadingCache(MAX_HELD_DIFFS_BYTES, _entry_bytes)
        self._answers = FormerAnswers(MAX_HELD_ANSWERS_BYTES)
        self.admission = self._answers.admission
        self.workshop = Workshop()

    @property
    def state(self) -> State:
        """The state that is being served."""
        return self._find_state()

    @property
    def lineage(self) -> None:
        """Of one catalogue for ever: that of the journal."""
        return

    @property
    def revision(self) -> int:
        """The newest revision that is being served."""
        return self.state.revision

    def next_after(self, revision: int) -> int | None:
        """Return the revision that came next; there are no gaps."""
        following = revision + 1
        return following if following in self.state.history.revisions else None

    def event(self, revision: int) -> bytes:
        """Return what the live feed tells of a revision. Raises `NotFound`."""
        return committed_event(self.line(revision))

    async def blobs(self, revision: int) -> Mapping[str, CategoryBlobs]:
        """Return the hashes of the documents of a revision. Raises what `catalogue` does."""
        return {} if revision == 0 else (await self.catalogue(revision)).categories

    def caches(self) -> Mapping[str, LoadingCache[Any, Any]]:
        """Return what is held, by kind; each may need those after it."""
        return {
            "answers": self._answers.held,
            "differences": self.diffs,
            "records": self._records,
            "documents": self._bodies,
            "revisions": self._refs,
        }

    async def close(self) -> None:
        """Stop reading and computing."""
        for cache in self.caches().values():
            await cache.close()
        self.workshop.close()

    def line(self, revision: int) -> RevisionLine:
        """Return what a revision did. Raises `NotFound`."""
        line = self.state.history.revisions.get(revision)
        if line is None:
            raise NotFound(f"there is no revision {revision}")
        return line

    async def catalogue(self, revision: int) -> CatalogueRef:
        """Return the blobs of a revision. Raises `NotFound`, `StoreUnavailable`, `JournalError`."""
        line = self.line(revision)
        return await self._refs.get(revision, lambda: self._read_ref(line))

    async def body(self, digest: str) -> bytes:
        """Return a blob. Raises `StoreUnavailable`, `BlobMissing`, `BlobCorrupt`."""
        return await self._bodies.get(digest, lambda: self._read(lambda: self._blobs.get(digest)))

    async def records(self, digest: str | None) -> Records:
        """Return the records of a v2 document, none for None. Raises `DocumentUnreadable`, as `body` does."""
        if digest is None:
            return NO_RECORDS

        async def take_apart() -> Records:
            return await self.workshop.run(record_steps(await self.body(digest)))

        return await self._records.get(digest, take_apart)

    async def side_data(self, revision: int) -> SideData:
        """Return what a revision holds beside the records. Raises what `catalogue` and `body` do."""
        ref = await self.catalogue(revision)
        return await self._read(lambda: load_side_data(self._blobs, ref.side_data))

    async def answer(self, key: Hashable, make: Callable[[], Awaitable[Document]]) -> Document:
        """Return what answers a request, made in its turn. Raises what `make` raises, `Busy`."""
        return await self._answers.get(key, make)

    async def document(self, digest: str) -> Document:
        """Return a blob as an answer that never changes. Raises what `body` does, `Busy`."""

        async def make() -> Document:
            plain = plain_document(await self.body(digest), digest=digest, cache_control=IMMUTABLE)
            return await self.workshop.run(compressed_steps(plain, Effort.FAST))

        return await self.answer(("document", digest), make)

    async def packed(self, body: bytes) -> Document:
        """Return a JSON document of these bytes with compressed forms."""
        document = plain_document(body)
        if len(body) < MIN_COMPRESSED_BYTES:
            return document

        async def make() -> Document:
            return await self.workshop.run(compressed_steps(document, Effort.FAST))

        return await self._answers.held.get(("packed", document.digest), make)

    async def entry(self, revision: int) -> Document:
        """Return the stored bytes of the journal entry that made a revision, as an answer that never changes.

        Raises `NotFound`, also where the entry holds what is not for everybody; `StoreUnavailable`,
        `JournalError`, `Busy`.
        """
        line = self.line(revision)

        async def make() -> Document:
            entry, raw = await self._read(lambda: self._journal.read_stored(line.sequence))
            _require_revision(entry, line)
            if not is_public(entry):
                raise NotFound(f"the entry of revision {revision} is not shown: it holds more than that")
            plain = plain_document(raw, cache_control=IMMUTABLE)
            return await self.workshop.run(compressed_steps(plain, Effort.FAST))

        return await self.answer(("entry", revision), make)

    async def _read_ref(self, line: RevisionLine) -> CatalogueRef:
        entry, _ = await self._read(lambda: self._journal.read(line.sequence))
        return _require_revision(entry, line)

    async def _read(self, read: Callable[[], Awaitable[T]]) -> T:
        try:  # with a store that is away, waiting for one's turn alone could take minutes
            async with asyncio.timeout(self._read_timeout_seconds), self._reads:
                return await read()
        except TimeoutError as error:
            raise StoreUnavailable(
                f"the object store did not answer within {self._read_timeout_seconds:g} s"
            ) from error


def _require_revision(entry: Entry, line: RevisionLine) -> CatalogueRef:
    if entry.catalogue is None or entry.catalogue.revision != line.revision:
        raise EntryCorrupt(f"journal entry {line.sequence} is not the one of revision {line.revision}")
    return entry.catalogue


def _ref_bytes(ref: CatalogueRef) -> int:
    return CATEGORY_REF_BYTES * len(ref.categories) + ENTRY_OVERHEAD_BYTES


def _records_bytes(records: Records) -> int:
    return sum(len(key) + len(body) + ENTRY_OVERHEAD_BYTES for key, body in records.items())


def _entry_bytes(body: bytes) -> int:
    return len(body) + ENTRY_OVERHEAD_BYTES

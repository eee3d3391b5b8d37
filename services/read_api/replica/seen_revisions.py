"""The last revisions that a replica has served: enough to tell who listens what changed."""

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from read_api.domain.categories import CATEGORIES
from read_api.domain.live_events import replicated_event
from read_api.domain.record_changes import RecordChanges, change_steps
from read_api.former_answers import FormerAnswers
from read_api.past import NO_RECORDS, Records, record_steps
from registry.catalogue import CategoryBlobs
from registry.content import CatalogueContent
from registry.history_state import Touched
from service_kit.documents import Document
from service_kit.errors import NotFound
from service_kit.slices import Steps, Workshop

MAX_REVISIONS: Final = 64
MAX_HELD_BYTES: Final = 32 * 1024 * 1024  # of documents that are not the present ones
MAX_HELD_ANSWERS_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Seen:
    content: CatalogueContent
    event: bytes


class SeenRevisions:
    """The present revision and those before it that were served by this process, within fixed bounds.

    Numbers need not follow each other; where a smaller one comes, it is another catalogue, and what was known
    is forgotten. Implements `Past`.
    """

    def __init__(self, *, max_revisions: int = MAX_REVISIONS, max_bytes: int = MAX_HELD_BYTES) -> None:
        self._max_revisions = max_revisions
        self._max_bytes = max_bytes
        self._seen: dict[int, _Seen] = {}
        self.lineage = 1
        self._answers = FormerAnswers(MAX_HELD_ANSWERS_BYTES)
        self.workshop = Workshop()

    async def note(self, content: CatalogueContent) -> None:
        """Take the revision that is being served now. Raises `DocumentUnreadable`."""
        newest = self._newest()
        if newest is not None and content.revision <= newest.content.revision:
            self._seen, newest = {}, None
            self.lineage += 1
        before = None if newest is None else newest.content
        touched = await self.workshop.run(touched_steps(before, content)) if before else []
        event = replicated_event(content.revision, content.sequence, content.committed_at, touched)
        self._seen[content.revision] = _Seen(content, event)
        self._forget()

    async def close(self) -> None:
        """Compute nothing any more."""
        await self._answers.close()
        self.workshop.close()

    @property
    def revision(self) -> int:
        """The newest revision; 0 while there is none."""
        newest = self._newest()
        return 0 if newest is None else newest.content.revision

    def next_after(self, revision: int) -> int | None:
        """Return the revision that was served next; None where what came before it is not known."""
        numbers = list(self._seen)
        place = bisect_right(numbers, revision)
        return numbers[place] if 0 < place < len(numbers) else None

    def event(self, revision: int) -> bytes:
        """Return what the live feed tells of a revision. Raises `NotFound`."""
        return self._find(revision).event

    async def blobs(self, revision: int) -> Mapping[str, CategoryBlobs]:
        """Return the hashes of the documents of a revision. Raises `NotFound`."""
        if revision == 0:
            return {}
        return {name: one.blobs for name, one in self._find(revision).content.categories.items()}

    async def records(self, digest: str | None) -> Records:
        """Return the records of a v2 document. Raises `NotFound`."""
        if digest is None:
            return NO_RECORDS
        for seen in reversed(self._seen.values()):
            for one in seen.content.categories.values():
                if one.blobs.v2 == digest:
                    return await self.workshop.run(record_steps(one.v2))
        raise NotFound("this revision is not kept here any more")

    async def answer(self, key: Hashable, make: Callable[[], Awaitable[Document]]) -> Document:
        """Return what answers a request, made in its turn. Raises what `make` raises, `Busy`."""
        # a number may stand for something else than it did before
        return await self._answers.get((self.lineage, key), make)

    def _newest(self) -> _Seen | None:
        return self._seen[next(reversed(self._seen))] if self._seen else None

    def _find(self, revision: int) -> _Seen:
        seen = self._seen.get(revision)
        if seen is None:
            raise NotFound(f"revision {revision} is not known here: load the bundle")
        return seen

    def _forget(self) -> None:
        """Let the oldest go until what is left is within the bounds."""
        while len(self._seen) > 1 and (
            len(self._seen) > self._max_revisions or self._former_bytes() > self._max_bytes
        ):
            del self._seen[next(iter(self._seen))]

    def _former_bytes(self) -> int:
        """Return the size of all documents but the present ones; what several revisions share counts once."""
        *former, newest = (seen.content for seen in self._seen.values())
        present = {one.blobs.v2 for one in newest.categories.values()}
        sizes = {
            one.blobs.v2: len(one.v2) + len(one.legacy or b"")
            for content in former
            for one in content.categories.values()
            if one.blobs.v2 not in present
        }
        return sum(sizes.values())


def touched_steps(before: CatalogueContent, after: CatalogueContent) -> Steps[list[Touched]]:
    """Compare the records of two revisions."""
    touched: list[Touched] = []
    for name in CATEGORIES:
        old, new = before.categories.get(name), after.categories.get(name)
        if old is new or (old is not None and new is not None and old.blobs.v2 == new.blobs.v2):
            continue
        known = yield from record_steps(old.v2 if old else b"{}")
        present = yield from record_steps(new.v2 if new else b"{}")
        changes = yield from change_steps(known, present)
        touched.extend(_touched(name, changes))
        yield
    return touched


def _touched(category: str, changes: RecordChanges) -> Iterator[Touched]:
    for name in changes.added:
        yield Touched(category=category, model_name=name, operation="create")
    for name in changes.changed:
        yield Touched(category=category, model_name=name, operation="update")
    for name in changes.removed:
        yield Touched(category=category, model_name=name, operation="delete")

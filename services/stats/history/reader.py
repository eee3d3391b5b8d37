"""Reads the history back, from whichever instance wrote it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import orjson

from service_kit.answer_cache import document_bytes
from service_kit.coding import Effort
from service_kit.documents import Document, compressed_steps, plain_document
from service_kit.errors import ObjectMissing, ServiceError, StoreUnavailable
from service_kit.loading_cache import LoadingCache
from service_kit.object_store import ObjectStore
from service_kit.slices import Steps, Workshop
from stats.history.object_names import (
    DAY_SECONDS,
    HOUR_SECONDS,
    daily_folder,
    day_key,
    find_start,
    floored,
    hour_key,
    hourly_folder,
)
from stats.history.pack import PackUnreadable, read_head, read_points
from stats.history.points import Point, Step, in_steps

LISTING_SECONDS: Final = 20.0  # so long it may take until an hour that was stored is seen
MAX_PACK_BYTES: Final = 16 * 1024 * 1024
MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
MAX_LISTING_BYTES: Final = 1024 * 1024
READS_AT_ONCE: Final = 8
PACKS_AT_ONCE: Final = 16
READ_TIMEOUT_SECONDS: Final = 20.0
MAX_BUSY: Final = 32
CACHE_CONTROL: Final = "public, max-age=30, stale-if-error=86400"

Keys = tuple[str, ...]

log = logging.getLogger(__name__)


class HistoryBusy(ServiceError):
    """Too many answers are being made."""

    status, retryable, expected = 503, True, True


@dataclass(frozen=True, slots=True)
class Question:
    """The history of a model, or of a whole category, from `start` until before `end`.

    Both are in Unix seconds and beginnings of steps.
    """

    category: str
    model: str | None
    start: int
    end: int
    step: Step


@dataclass(frozen=True, slots=True)
class FoundHistory:
    """A finished answer, and whether there is anything in it."""

    document: Document
    has_points: bool


class HistoryReader:
    """Answers questions about the past. Objects never change, so what was read once is kept within bounds.

    `clock` is monotonic.
    """

    def __init__(
        self,
        store: ObjectStore,
        workshop: Workshop,
        *,
        clock: Callable[[], float] = time.monotonic,
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
    ) -> None:
        self._read_timeout_seconds = read_timeout_seconds
        self._store = store
        self._workshop = workshop
        self._clock = clock
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._busy = 0
        self._packs: LoadingCache[str, bytes] = LoadingCache(MAX_PACK_BYTES, len)
        self._listings: LoadingCache[tuple[str, int, int, int], Keys] = LoadingCache(MAX_LISTING_BYTES, _size)
        self._answers: LoadingCache[tuple[Question, Keys, bool], FoundHistory] = LoadingCache(
            MAX_ANSWER_BYTES, lambda answer: document_bytes(answer.document)
        )
        self.unreadable = 0

    async def answer(self, question: Question) -> FoundHistory:
        """Return the answer. Raises `StoreUnavailable`, `HistoryBusy`."""
        with self._counted():
            try:
                keys = await self._listing(question)
                return await self._answer(question, keys)
            except ObjectMissing:  # an hour went into its day meanwhile
                keys = await self._list(question)
                return await self._answer(question, keys, must_have_all=False)

    async def close(self) -> None:
        """Stop reading."""
        for cache in (self._answers, self._listings, self._packs):
            await cache.close()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._busy >= MAX_BUSY:
            raise HistoryBusy("too many requests for the history at once; try again")
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    async def _listing(self, question: Question) -> Keys:
        slot = int(self._clock() // LISTING_SECONDS)
        asked = (question.category, *_whole_days(question), slot)
        return await self._listings.get(asked, partial(self._list, question))

    async def _list(self, question: Question) -> Keys:
        """Return the keys of the objects to read, hours before days.

        They are listed in that order too: an hour that was deleted before is in a day that is seen then.
        """
        start, end = _whole_days(question)
        category = question.category
        last_hour, last_day = hour_key(category, start - 1), day_key(category, start - 1)
        async with self._reading():
            hours = await self._store.list_after(
                hourly_folder(category), last_hour, limit=(end - start) // HOUR_SECONDS
            )
            days = await self._store.list_after(
                daily_folder(category), last_day, limit=(end - start) // DAY_SECONDS
            )
        return tuple(key for key in (*hours, *days) if _is_within(key, start, end))

    async def _answer(self, question: Question, keys: Keys, *, must_have_all: bool = True) -> FoundHistory:
        async def make() -> FoundHistory:
            points = in_steps(await self._points(question, keys, must_have_all=must_have_all), question.step)
            body = orjson.dumps(_answer_value(question, points))
            plain = plain_document(body, cache_control=CACHE_CONTROL)
            document = await self._workshop.run(compressed_steps(plain, Effort.FAST))
            return FoundHistory(document, has_points=bool(points))

        return await self._answers.get((question, keys, must_have_all), make)

    async def _points(self, question: Question, keys: Keys, *, must_have_all: bool) -> list[Point]:
        found: dict[int, Point] = {}
        for first in range(0, len(keys), PACKS_AT_ONCE):
            some = keys[first : first + PACKS_AT_ONCE]
            packs = await asyncio.gather(*map(self._pack, some), return_exceptions=True)
            read = {}
            for key, pack in zip(some, packs, strict=True):
                if isinstance(pack, ObjectMissing) and not must_have_all:
                    continue
                if isinstance(pack, BaseException):
                    raise pack
                read[key] = pack
            points = await self._workshop.run(self._read_steps(read, question.model))
            found.update((point.at, point) for point in points)  # those of a day replace those of its hours
        return [found[at] for at in sorted(found) if question.start <= at < question.end]

    def _read_steps(self, packs: Mapping[str, bytes], model: str | None) -> Steps[list[Point]]:
        points: list[Point] = []
        for key, pack in packs.items():
            try:
                points += read_head(pack).total_points() if model is None else read_points(pack, model)
            except PackUnreadable as error:
                self.unreadable += 1
                log.error("%s cannot be read: %s", key, error)  # noqa: TRY400 - the traceback tells nothing
            yield
        return points

    async def _pack(self, key: str) -> bytes:
        async def read() -> bytes:
            async with self._reading():
                return await self._store.get(key)

        return await self._packs.get(key, read)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        try:  # with a store that is away, waiting for one's turn alone could take minutes
            async with asyncio.timeout(self._read_timeout_seconds), self._reads:
                yield
        except TimeoutError as error:
            raise StoreUnavailable(
                f"the object store did not answer within {self._read_timeout_seconds:g} s"
            ) from error


def _answer_value(question: Question, points: Iterable[Point]) -> dict[str, object]:
    return {
        "category": question.category,
        "model": question.model,
        "from": question.start,
        "to": question.end,
        "step": question.step,
        "points": [point.as_json() for point in points],
    }


def _whole_days(question: Question) -> tuple[int, int]:
    end = floored(question.end + DAY_SECONDS - 1, DAY_SECONDS)
    return floored(question.start, DAY_SECONDS), end


def _is_within(key: str, start: int, end: int) -> bool:
    at = find_start(key)
    return at is not None and start <= at < end


def _size(keys: Keys) -> int:
    return sum(map(len, keys)) + 200

"""Asks a PRIMARY: what every one offers, and what only our kind does (docs/api.md)."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final, Self, TypeVar
from urllib.parse import quote

from horde_model_reference.lenient_json import UnusableJson, read_json, read_object
from horde_model_reference.replica.errors import NotOffered, SourceRefused, SourceUnusable
from horde_model_reference.replica.event_stream import EventStreamParser, EventTooLarge
from horde_model_reference.replica.fetching import Answer, Fetcher, require_ok
from horde_model_reference.replica.json_documents import read_beside_loop, read_records
from horde_model_reference.replica.primary_answers import (
    Bundle,
    CategoryChanges,
    Changes,
    Fetched,
    FetchedDocument,
    LegacyDocument,
    NotModified,
    RevisionEvent,
    read_bundle,
    read_changes,
    read_event,
)
from horde_model_reference.shown_urls import shown_url

__all__ = [
    "Bundle",
    "CategoryChanges",
    "Changes",
    "Fetched",
    "FetchedDocument",
    "LegacyDocument",
    "NotModified",
    "PrimaryClient",
    "RevisionEvent",
]

SILENCE_SECONDS: Final = 40.0
"""A server of our kind writes something every 15 s."""

EVENT_STREAM: Final = "text/event-stream"

T = TypeVar("T")


class PrimaryClient:
    """Asks one PRIMARY. `base_url` includes `/api`. Every method raises the kinds of `SourceFailed`."""

    def __init__(self, base_url: str, fetcher: Fetcher) -> None:
        self._root = f"{base_url.rstrip('/')}/model_references"
        self._fetcher = fetcher

    async def document(
        self, category: str, *, etag: str | None = None, min_revision: int | None = None
    ) -> Fetched:
        """Return the document of a category, unless it is the one with this ETag.

        A server of our kind waits a moment for `min_revision`, and is unavailable if it does not come.
        """
        url = self._url("v2", category)
        answer = await self._fetcher.get(url, headers={**_conditions(etag), **_at_least(min_revision)})
        if answer.status == 304 and etag is not None:
            return NotModified(answer.revision)
        return await _document(category, answer, url)

    async def document_at(self, category: str, revision: int) -> FetchedDocument:
        """Return the document of a category as it was at a revision.

        `NotOffered` also where the revision is not there, or the server knows no revisions.
        """
        url = f"{self._url('v2', category)}?revision={revision}"
        answer = await self._fetcher.get(url)
        require_ok(answer.status, url)
        if answer.revision != revision:
            raise NotOffered(f"{shown_url(url)}: not as it was at {revision}", answer.status)
        return await _document(category, answer, url)

    async def legacy_text(self, category: str, *, etag: str | None = None) -> LegacyDocument | NotModified:
        """Return the legacy document of a category unchanged, unless it is the one with this ETag."""
        url = self._url("v1", category)
        answer = await self._fetcher.get(url, headers=_conditions(etag))
        if answer.status == 304 and etag is not None:
            return NotModified(answer.revision)
        _require_200(answer, url)
        await _read(read_json, answer, url)
        return LegacyDocument(answer.body, answer.etag, answer.revision)

    async def changes(self, since: int, *, min_revision: int | None = None) -> Changes:
        """Return what changed since a revision. `NotOffered` also where that revision is not there.

        The server waits a moment for `min_revision`, and is unavailable if it does not come.
        """
        url = f"{self._root}/v2/changes?since={since}"
        changes = await self._offered(read_changes, url, _at_least(min_revision))
        if changes.from_revision != since:
            raise SourceUnusable(f"{shown_url(url)}: the changes since {changes.from_revision}, not {since}")
        return changes

    async def bundle(self, *, include_v1: bool = False) -> Bundle:
        """Return everything of the newest revision."""
        return await self._offered(
            read_bundle, f"{self._root}/v2/bundle?include_v1={str(include_v1).lower()}"
        )

    @contextlib.asynccontextmanager
    async def events(self, last_revision: int | None) -> AsyncIterator[AsyncIterator[RevisionEvent]]:
        """Yield the events of the live feed, first what was missed since a revision if one is given.

        The iterator ends when the server ends the stream.
        """
        url = f"{self._root}/v2/events"
        headers = {"Accept": EVENT_STREAM}
        if last_revision is not None:
            headers["Last-Event-ID"] = str(last_revision)
        async with self._fetcher.stream(
            url, headers=headers, idle_timeout_seconds=SILENCE_SECONDS, content_type=EVENT_STREAM
        ) as pieces:
            yield _Events(pieces, url)

    async def revision_entry(self, revision: int) -> bytes:
        """Return the entry of the journal that made a revision, signed if the server signs."""
        url = f"{self._root}/v2/revisions/{revision}/entry"
        answer = await self._fetcher.get(url)
        require_ok(answer.status, url)
        await _read(read_object, answer, url)
        return answer.body

    def _url(self, version: str, category: str) -> str:
        return f"{self._root}/{version}/{quote(category, safe='')}"

    async def _offered(
        self, read: Callable[[bytes], T], url: str, headers: Mapping[str, str] | None = None
    ) -> T:
        answer = await self._fetcher.get(url, headers=headers)
        require_ok(answer.status, url)
        return await _read(read, answer, url)


class _Events:
    """The events of a stream."""

    def __init__(self, pieces: AsyncIterator[bytes], url: str) -> None:
        self._pieces = pieces
        self._url = url
        self._parser = EventStreamParser()
        self._waiting: list[RevisionEvent] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> RevisionEvent:
        while not self._waiting:
            piece = await anext(self._pieces)
            try:
                found = [read_event(event) for event in self._parser.feed(piece)]
            except (EventTooLarge, UnusableJson) as error:
                raise SourceUnusable(f"{shown_url(self._url)}: {error}") from error
            self._waiting = [event for event in found if event is not None]
        return self._waiting.pop(0)


def _conditions(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"If-None-Match": etag}


def _at_least(revision: int | None) -> dict[str, str]:
    return {} if revision is None else {"X-Min-Revision": str(revision)}


async def _document(category: str, answer: Answer, url: str) -> FetchedDocument:
    _require_200(answer, url)
    value = await _read(read_records, answer, url)
    return FetchedDocument(category, answer.body, value, answer.etag, answer.revision)


def _require_200(answer: Answer, url: str) -> None:
    if answer.status != 200:
        raise SourceRefused(f"{shown_url(url)}: status {answer.status}", answer.status)


async def _read(read: Callable[[bytes], T], answer: Answer, url: str) -> T:
    try:
        return await read_beside_loop(read, answer.body)
    except UnusableJson as error:
        raise SourceUnusable(f"{shown_url(url)}: {error}") from error

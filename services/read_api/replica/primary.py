"""What a replica asks its PRIMARY."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from horde_model_reference.meta_consts import CanonicalFormat
from horde_model_reference.replica.errors import (
    SourceFailed,
    SourceRefused,
    SourceUnavailable,
    SourceUnusable,
)
from horde_model_reference.replica.fetching import NOT_OFFERED_STATUSES, Answer, Fetcher, require_ok
from horde_model_reference.replica.primary_client import NotModified, PrimaryClient, RevisionEvent
from read_api.domain.categories import DIFFUSERS_FILE
from read_api.replica.call_metrics import PrimaryCalls
from read_api.replica.copies import sha256
from registry.catalogue import Sha256

V1: Final = "/model_references/v1"
V2: Final = "/model_references/v2"


@dataclass(frozen=True, slots=True)
class Head:
    """What a PRIMARY serves now. One of the old kind knows no revisions."""

    revision: int | None
    stale: bool


class Hashes(BaseModel):
    """The hashes of the documents of one category."""

    model_config = ConfigDict(frozen=True)

    v2: Sha256
    legacy: Sha256 | None = None


class RevisionFacts(BaseModel):
    """What a PRIMARY tells of one revision, as far as it matters here."""

    model_config = ConfigDict(frozen=True)

    revision: int
    sequence: int
    committed_at: AwareDatetime
    kind: str
    hashes: dict[str, Hashes]


@dataclass(frozen=True, slots=True)
class Got:
    """A document; `tag` is what to ask with the next time."""

    body: bytes
    tag: str | None


class Primary:
    """A PRIMARY at an address. Everything raises `SourceFailed`, except where it says otherwise."""

    def __init__(self, base_url: str, fetcher: Fetcher, calls: PrimaryCalls) -> None:
        self.base_url = base_url
        self._fetcher = fetcher
        self._client = PrimaryClient(base_url, fetcher)
        self._calls = calls

    async def head(self) -> Head:
        """Ask what is served now: the smallest answer that tells."""
        answer = await self._get("heartbeat", "/heartbeat")
        if answer.status not in NOT_OFFERED_STATUSES:
            require_ok(answer.status, "/heartbeat")
        return Head(answer.revision, answer.stale)

    async def canonical_format(self) -> CanonicalFormat:
        """Ask which format accepts writes there."""
        path = "/replicate_mode"
        body = _required(await self._get("mode", path), path)
        try:
            return CanonicalFormat(orjson.loads(body)["canonical_format"])
        except (ValueError, TypeError, KeyError) as error:
            raise SourceUnusable(f"{path}: says no canonical format") from error

    async def bundle(self, at_least: int) -> bytes:
        """Return the bundle, with v1 documents, of this revision or a later one."""
        path = f"{V2}/bundle?include_v1=true"
        return _required(await self._get("bundle", path, {"X-Min-Revision": str(at_least)}), path)

    async def facts(self, revision: int) -> RevisionFacts:
        """Return what a revision consists of."""
        path = f"{V2}/revisions/{revision}"
        # one try: who knows no such thing says so with a status for another one
        answer = await self._get("revision", path, {"X-Min-Revision": str(revision)}, attempts=1)
        try:
            facts = RevisionFacts.model_validate_json(_required(answer, path))
        except ValidationError as error:
            raise SourceUnusable(f"{path}: is not what it should be") from error
        if facts.revision != revision:
            raise SourceUnusable(f"{path}: is about revision {facts.revision}")
        return facts

    async def document_at(self, version: str, category: str, revision: int, digest: str) -> bytes:
        """Return a document of a revision, which must have this hash."""
        path = f"/model_references/{version}/{category}?revision={revision}"
        body = _required(await self._get("document", path, {"X-Min-Revision": str(revision)}), path)
        if await asyncio.to_thread(sha256, body) != digest:
            raise SourceUnusable(f"{path}: is not what the revision names")
        return body

    async def v2_document(self, category: str, tag: str | None) -> Got | None:
        """Return a document if it is not the one with this tag."""
        with self._calls.measured("document"):
            found = await self._client.document(category, etag=tag)
        return None if isinstance(found, NotModified) else Got(found.body, found.etag)

    async def v1_document(self, category: str, tag: str | None) -> Got | None:
        """Return a legacy document if it is not the one with this tag."""
        with self._calls.measured("document"):
            found = await self._client.legacy_text(category, etag=tag)
        return None if isinstance(found, NotModified) else Got(found.body, found.etag)

    async def files(self, at_least: int = 0) -> Mapping[str, str] | None:
        """Return the files that belong to no category; None when they cannot be had."""
        path = f"{V1}/{DIFFUSERS_FILE}"
        headers = {"X-Min-Revision": str(at_least)} if at_least else None
        try:
            text = _required(await self._get("document", path, headers), path).decode()
            is_object = isinstance(orjson.loads(text), dict)
        except (SourceFailed, ValueError):
            return None
        return {DIFFUSERS_FILE: text} if is_object else None

    def events(self, last_revision: int | None) -> AbstractAsyncContextManager[AsyncIterator[RevisionEvent]]:
        """Follow the live feed."""
        return self._client.events(last_revision)

    async def _get(
        self, what: str, path: str, headers: Mapping[str, str] | None = None, *, attempts: int | None = None
    ) -> Answer:
        with self._calls.measured(what):
            return await self._fetcher.get(self.base_url + path, headers=headers, attempts=attempts)


def is_absent(error: SourceFailed) -> bool:
    """Whether the PRIMARY says that there is no such thing."""
    return isinstance(error, SourceRefused) and error.status in NOT_OFFERED_STATUSES


def _required(answer: Answer, path: str) -> bytes:
    require_ok(answer.status, path)
    return answer.body


def told(error: SourceFailed) -> str:
    """Return what may be shown to everybody: neither addresses nor what the other side says."""
    match error:
        case SourceUnavailable():
            return "it does not answer"
        case SourceRefused():
            return f"it refuses with status {error.status}"
        case _:
            return "its answer cannot be used"

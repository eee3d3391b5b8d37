"""The reference documents of a former revision, exactly as they were: `?revision=n`."""

from typing import Final

from aiohttp import web
from pydantic import Field

from read_api.answers import serve_at
from read_api.archive import Archive
from read_api.domain.categories import (
    DIFFUSERS_FILE,
    EMPTY_OBJECT,
    TEXT_GENERATION,
    empty_v2_is_served,
    is_managed_elsewhere,
)
from read_api.domain.legacy_groups import legacy_with_groups_steps
from read_api.holder import PageHolder
from service_kit.coding import Effort
from service_kit.documents import IMMUTABLE, Document, compressed_steps, immutable, plain_document
from service_kit.errors import NotFound
from service_kit.parameters import Parameters, parse_query

MAX_REVISION: Final = 10**15  # far beyond any, and small enough for every JSON reader


class RevisionParameters(Parameters):
    """Which revision is wanted; without it, the newest."""

    revision: int | None = Field(
        None, ge=0, le=MAX_REVISION, description="the answer of this revision, which never changes"
    )


def asked_revision(request: web.Request) -> int | None:
    """Return the revision that the query names, None for the newest. Raises `RequestInvalid`."""
    return parse_query(RevisionParameters, request.query).revision if request.query_string else None


class FormerReferences:
    """Serves what the reference routes served when a revision was the newest."""

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder
        self._empty = _fixed(EMPTY_OBJECT)

    async def v2_document(self, request: web.Request, category: str, revision: int) -> web.StreamResponse:
        """Serve the records of a category. Raises `NotFound`."""
        archive = self._holder.archive()
        blobs = (await archive.catalogue(revision)).categories.get(category)
        if blobs is not None:
            return serve_at(request, revision, await archive.document(blobs.v2))
        if empty_v2_is_served(category):
            return serve_at(request, revision, self._empty)
        raise NotFound(f"there is no model reference for '{category}' in revision {revision}")

    async def v1_document(self, request: web.Request, category: str, revision: int) -> web.StreamResponse:
        """Serve a legacy document: the file's own bytes. Raises `NotFound`."""
        archive = self._holder.archive()
        if is_managed_elsewhere(category):
            archive.line(revision)
            return serve_at(request, revision, self._empty)
        digest = await _legacy_digest(archive, category, revision)
        return serve_at(request, revision, await archive.document(digest))

    async def v1_text_with_groups(self, request: web.Request, revision: int) -> web.StreamResponse:
        """Serve the legacy text document with the groups. Raises `NotFound`."""
        archive = self._holder.archive()
        digest = await _legacy_digest(archive, TEXT_GENERATION, revision)

        async def make() -> Document:
            legacy = await archive.body(digest)
            return immutable(await archive.workshop.run(legacy_with_groups_steps(legacy)))

        return serve_at(request, revision, await archive.answer(("with groups", digest), make))

    async def diffusers(self, request: web.Request, revision: int) -> web.StreamResponse:
        """Serve the file that is no category. Raises `NotFound`."""
        archive = self._holder.archive()

        async def make() -> Document:
            text = (await archive.side_data(revision)).files.get(DIFFUSERS_FILE)
            return self._empty if text is None else _fixed(text.encode())

        return serve_at(request, revision, await archive.answer((DIFFUSERS_FILE, revision), make))

    async def model(
        self, request: web.Request, category: str, name: str, revision: int
    ) -> web.StreamResponse:
        """Serve one record by its key. Raises `NotFound`."""
        archive = self._holder.archive()

        async def make() -> Document:
            body = await find_record(archive, category, name, revision)
            if body is None:
                raise NotFound(f"there is no model '{name}' in '{category}' in revision {revision}")
            return await archive.workshop.run(compressed_steps(_fixed(body), Effort.FAST))

        archive.line(revision)
        document = await archive.answer(("record", category, name, revision), make)
        return serve_at(request, revision, document)


async def _legacy_digest(archive: Archive, category: str, revision: int) -> str:
    blobs = (await archive.catalogue(revision)).categories.get(category)
    if blobs is None or blobs.legacy is None:
        raise NotFound(f"there is no legacy reference for '{category}' in revision {revision}")
    return blobs.legacy


def _fixed(body: bytes) -> Document:
    return plain_document(body, cache_control=IMMUTABLE)


async def find_record(archive: Archive, category: str, name: str, revision: int) -> bytes | None:
    """Return a record as it was at a revision; revision 0 is the empty catalogue.

    Raises `NotFound` for a revision that does not exist, `StoreUnavailable`, `JournalError`.
    """
    if revision == 0:
        return None
    blobs = (await archive.catalogue(revision)).categories.get(category)
    return None if blobs is None else (await archive.records(blobs.v2)).get(name)

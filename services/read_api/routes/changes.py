"""What differs between two revisions, and the whole of one: for replicas, and for people."""

from collections.abc import Callable, Hashable, Iterator
from functools import partial
from typing import Annotated, Any, Final

import orjson
from aiohttp import web
from pydantic import Field

from read_api import history_shapes as shapes
from read_api.answers import serve, serve_at
from read_api.bundle import bundle_steps
from read_api.domain.categories import CATEGORIES
from read_api.domain.record_changes import RecordChanges, change_steps, fields_steps, records_value
from read_api.holder import PageHolder
from read_api.pages import Pages, PagesKey
from read_api.past import Past
from read_api.routes.former_references import MAX_REVISION
from read_api.routes.references import V2
from registry.catalogue import CategoryBlobs
from service_kit.answer_cache import document_bytes
from service_kit.coding import Effort
from service_kit.documents import (
    Document,
    compressed_steps,
    immutable,
    plain_document,
)
from service_kit.endpoints import Endpoint
from service_kit.loading_cache import LoadingCache
from service_kit.parameters import Parameters, parse_query
from service_kit.problem_models import Invalid, Problem
from service_kit.slices import Steps

TAG: Final = "v2: changes"

Revision = Annotated[int, Field(ge=0, le=MAX_REVISION)]
TellCategory = Callable[[str, RecordChanges], Steps[dict[str, Any]]]


class DiffParameters(Parameters):
    """Two revisions; 0 is the empty catalogue."""

    from_: Revision = Field(alias="from", description="the revision to start from; 0: nothing")
    to: Revision = Field(description="the revision to end with")


class ChangesParameters(Parameters):
    """Since when."""

    since: Revision = Field(description="the revision that is known already; 0: nothing")
    to: Revision | None = Field(None, description="up to this revision; none: the newest")


class BundleParameters(Parameters):
    """What else is wanted."""

    include_v1: bool = Field(False, description="the documents in the legacy format too, each as a text")


class Changes:
    """Serves differences between revisions, and bundles."""

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder
        self._bundles: dict[bool, tuple[PagesKey, Document]] = {}
        self._bundling: LoadingCache[Hashable, Document] = LoadingCache(0, document_bytes)

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        refusals = {404: Problem, 422: Invalid, 503: Problem}
        yield Endpoint(
            f"{V2}/diff",
            self.diff,
            "What differs between two revisions, field by field",
            TAG,
            {200: shapes.Diff, **refusals},
            query=DiffParameters,
        )
        yield Endpoint(
            f"{V2}/changes",
            self.changes,
            "What a replica has to do to get from a revision to the newest",
            TAG,
            {200: shapes.Changes, **refusals},
            query=ChangesParameters,
            description="A revision that does not exist here (yet) is 404: load the bundle, or try again. "
            "A replica knows the last ones only.",
        )
        yield Endpoint(
            f"{V2}/bundle",
            self.bundle,
            "Everything in one answer",
            TAG,
            {200: shapes.Bundle, 422: Invalid, 503: Problem},
            query=BundleParameters,
        )

    async def diff(self, request: web.Request) -> web.StreamResponse:
        """Serve the difference between two revisions."""
        asked = parse_query(DiffParameters, request.query)
        document = await self._difference("diff", asked.from_, asked.to, fields_steps)
        return self._serve_fixed(request, asked.to, document)

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """Serve what is new since a revision."""
        asked = parse_query(ChangesParameters, request.query)
        head = self._holder.past().revision
        document = await self._difference(
            "changes", asked.since, head if asked.to is None else asked.to, _records_steps
        )
        if asked.to is not None:
            return self._serve_fixed(request, asked.to, document)
        return serve_at(request, head, document)

    async def bundle(self, request: web.Request) -> web.StreamResponse:
        """Serve the whole catalogue."""
        with_v1 = parse_query(BundleParameters, request.query).include_v1
        pages = self._holder.current()
        return serve(request, pages, await self._bundle(pages, with_v1=with_v1))

    def _serve_fixed(self, request: web.Request, revision: int, document: Document) -> web.StreamResponse:
        is_lasting = self._holder.past().lineage is None
        return serve_at(request, revision, immutable(document) if is_lasting else document)

    async def _bundle(self, pages: Pages, *, with_v1: bool) -> Document:
        """Only the newest are held, whatever their size."""
        key, document = self._bundles.get(with_v1, (None, None))
        if document is None or key != pages.key:
            steps = partial(bundle_steps, pages, with_v1=with_v1)
            document = await self._bundling.get(
                (pages.key, with_v1), lambda: self._holder.workshop.run(steps())
            )
            self._bundles[with_v1] = pages.key, document
        return document

    async def _difference(self, what: str, start: int, end: int, tell: TellCategory) -> Document:
        past = self._holder.past()

        async def make() -> Document:
            before, after = await past.blobs(start), await past.blobs(end)
            categories: dict[str, Any] = {}
            for category in CATEGORIES:
                old, new = before.get(category), after.get(category)
                if old is None or new is None or old.v2 != new.v2:
                    changes = await _record_changes(past, old, new)
                    if changes:
                        categories[category] = await past.workshop.run(tell(category, changes))
            value = {"from": start, "to": end, "categories": categories}
            return await past.workshop.run(_packed_steps(value))

        return await past.answer((what, start, end), make)


async def _record_changes(
    past: Past, before: CategoryBlobs | None, after: CategoryBlobs | None
) -> RecordChanges:
    old = await past.records(before.v2 if before else None)
    new = await past.records(after.v2 if after else None)
    return await past.workshop.run(change_steps(old, new))


def _records_steps(_: str, changes: RecordChanges) -> Steps[dict[str, Any]]:
    yield
    return records_value(changes)


def _packed_steps(value: dict[str, Any]) -> Steps[Document]:
    yield
    body = orjson.dumps(value)
    yield
    document = yield from compressed_steps(plain_document(body), Effort.FAST)
    return document

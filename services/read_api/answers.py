"""Answers made of documents: which form, or none because the client has it already."""

from typing import Final

from aiohttp import hdrs, web
from multidict import istr

from read_api.domain.documents import Document, json_document
from read_api.holder import PageHolder
from read_api.pages import Pages
from service_kit.ready_response import ReadyResponse

X_REVISION: Final = istr("X-Revision")
X_STALE: Final = istr("X-Stale")

_ACCEPT_ENCODING: Final = hdrs.ACCEPT_ENCODING
_IF_NONE_MATCH: Final = hdrs.IF_NONE_MATCH


def serve(
    request: web.BaseRequest, pages: Pages | None, document: Document, *, route: str = ""
) -> ReadyResponse:
    """Answer with a document of these pages, or 304 if the client has it. Nothing is rendered here.

    `route` is the path template for the metrics, needed where the router was not asked.
    """
    asked = request.headers
    tags = asked.get(_IF_NONE_MATCH)
    accepted = asked.get(_ACCEPT_ENCODING)
    unchanged = document.unchanged_for(tags, accepted) if tags is not None else None
    if unchanged is not None:
        response = ReadyResponse(unchanged, b"", route=route)
    else:
        form = document.form_for(accepted)
        response = ReadyResponse(form.head, form.body, route=route)
    if pages is not None:
        response.headers[X_REVISION] = pages.revision_text
    return response


def serve_value(request: web.Request, pages: Pages | None, value: object) -> ReadyResponse:
    """Answer with a small JSON value that was made for this request."""
    return serve(request, pages, json_document(value))


def serve_at(request: web.Request, revision: int, document: Document) -> ReadyResponse:
    """Answer with a document of a revision that need not be the one of the pages."""
    response = serve(request, None, document)
    response.headers[X_REVISION] = str(revision)
    return response


class RevisionStamp:
    """Tells with every answer, errors included, which revision is served and whether it may be stale."""

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder

    def __call__(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers; an answer that names its revision already keeps it.

        What is told about another revision than the one of the pages is never outdated.
        """
        holder, headers = self._holder, response.headers
        served = None if holder.pages is None else holder.pages.revision_text
        if X_REVISION not in headers and served is not None:
            headers[X_REVISION] = served
        if holder.stale and headers.get(X_REVISION) == served:
            headers[X_STALE] = "true"

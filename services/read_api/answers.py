"""Answers made of documents: which form, or none because the client has it already."""

from aiohttp import web

from read_api.holder import PageHolder
from read_api.pages import Pages
from service_kit.document_answers import document_answer
from service_kit.documents import Document, json_document
from service_kit.ready_response import ReadyResponse
from service_kit.revision_headers import X_REVISION, X_STALE


def serve(
    request: web.BaseRequest, pages: Pages | None, document: Document, *, route: str = ""
) -> ReadyResponse:
    """Answer with a document of these pages, or 304 if the client has it. Nothing is rendered here.

    `route` is the path template for the metrics, needed where the router was not asked.
    """
    response = document_answer(request, document, route=route)
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

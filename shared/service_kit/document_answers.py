"""Answers made of documents: which form, or none because the client has it already."""

from typing import Final

from aiohttp import hdrs, web

from service_kit.documents import Document
from service_kit.ready_response import ReadyResponse

_ACCEPT_ENCODING: Final = hdrs.ACCEPT_ENCODING
_IF_NONE_MATCH: Final = hdrs.IF_NONE_MATCH


def document_answer(request: web.BaseRequest, document: Document, *, route: str = "") -> ReadyResponse:
    """Answer with the best form of a document, or 304 if the client has it. Nothing is rendered here.

    `route` is the path template for the metrics, needed where the router was not asked.
    """
    asked = request.headers
    tags = asked.get(_IF_NONE_MATCH)
    accepted = asked.get(_ACCEPT_ENCODING)
    unchanged = document.unchanged_for(tags, accepted) if tags is not None else None
    if unchanged is not None:
        return ReadyResponse(unchanged, b"", route=route)
    form = document.form_for(accepted)
    return ReadyResponse(form.head, form.body, route=route)

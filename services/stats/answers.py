"""Answers made of results, with the headers that tell what they were made from."""

import time
from collections.abc import Callable, Hashable
from typing import Final

from aiohttp import hdrs, web
from multidict import istr

from service_kit.answer_cache import AnswerCache
from service_kit.document_answers import document_answer
from service_kit.documents import Document, plain_document
from service_kit.ready_response import ReadyResponse
from service_kit.revision_headers import X_REVISION, X_STALE
from service_kit.web import TELEMETRY
from stats.domain.runtime_mark import RuntimeMark
from stats.engine import StatsEngine
from stats.results import Results

X_RUNTIME_FETCHED_AT: Final = istr("X-Runtime-Fetched-At")
X_RUNTIME_STALE: Final = istr("X-Runtime-Stale")


MAX_HELD_BYTES: Final = 16 * 1024 * 1024


class HeldAnswers:
    """Documents of recent queries. The key has to name the results."""

    def __init__(self) -> None:
        self._cache = AnswerCache(MAX_HELD_BYTES)

    def document(self, request: web.Request, key: Hashable, render: Callable[[], bytes]) -> Document:
        """Return the document under the key, rendered if need be."""
        document = self._cache.find(key)
        request.app[TELEMETRY].count_answer(hit=document is not None)
        if document is None:
            document = plain_document(render())
            self._cache.hold(key, document)
        return document


class Answers:
    """Answers with documents of results, or 304 if the client has them. Nothing is rendered here."""

    def __init__(self, engine: StatsEngine) -> None:
        self._engine = engine

    def serve(
        self,
        request: web.BaseRequest,
        results: Results | None,
        document: Document,
        mark: RuntimeMark | None = None,
        *,
        route: str = "",
    ) -> ReadyResponse:
        """Answer with a document; `mark` tells of live figures in it.

        `route` is the path template for the metrics, needed where the router was not asked.
        """
        response = document_answer(request, document, route=route)
        headers = response.headers
        if results is not None:
            headers[X_REVISION] = results.revision_text
        if self._engine.stale:
            headers[X_STALE] = "true"
        if mark is not None:
            headers[X_RUNTIME_FETCHED_AT] = str(mark.fetched_at)
            headers[X_RUNTIME_STALE] = "true" if mark.stale else "false"
            headers[hdrs.AGE] = str(mark.age_seconds(time.time()))
        return response


class ResultStamp:
    """Tells with every answer, errors included, which revision is served and whether it may be stale."""

    def __init__(self, engine: StatsEngine) -> None:
        self._engine = engine

    def __call__(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers where they are missing."""
        engine, headers = self._engine, response.headers
        if X_REVISION not in headers and engine.results is not None:
            headers[X_REVISION] = engine.results.revision_text
        if engine.stale:
            headers[X_STALE] = "true"

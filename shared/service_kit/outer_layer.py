"""The outermost layer of an application, around everything a request meets.

It gives each answer its request id and its CORS headers, and turns every exception into the one error
shape. It runs for every request, so each of its lines is weighed.
"""

import itertools
import re
import secrets
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from service_kit.cors import CorsRules
from service_kit.errors import ServiceError
from service_kit.log_context import REQUEST_ID
from service_kit.problems import answer_http_exception, answer_service_error, answer_unhandled
from service_kit.ready_head import CONTENT_TYPE_OPTIONS, NOSNIFF, SERVER
from service_kit.ready_response import X_REQUEST_ID, ReadyResponse
from service_kit.request_recorder import STARTED
from service_kit.settings import HttpSettings

OnResponse = Callable[[web.Request, web.StreamResponse], None]
Shortcut = Callable[[web.Request], ReadyResponse | None]
ServerHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")
_SHORTCUT_METHODS: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})


class OuterLayer:
    """A middleware for all requests, and a way around router and middlewares for the most frequent ones."""

    def __init__(
        self, settings: HttpSettings, on_response: OnResponse | None, shortcut: Shortcut | None
    ) -> None:
        self._cors = CorsRules(settings.cors_allowed_origins, open_reads=settings.cors_open_reads)
        self._max_body_bytes = settings.max_body_bytes
        self._on_response = on_response
        self._shortcut = shortcut
        self._ids = map("%s%x".__mod__, zip(itertools.repeat(secrets.token_hex(6) + "-"), itertools.count(1)))
        self._draining = False

    def start_draining(self) -> None:
        """From now on every answer closes its connection."""
        self._draining = True

    def middleware(self) -> Middleware:
        """Return the middleware."""

        @web.middleware
        async def outer_layer(request: web.Request, handler: Handler) -> web.StreamResponse:
            STARTED.set(perf_counter())
            request_id = self._request_id(request)
            REQUEST_ID.set(request_id)  # each request has a task of its own
            try:
                if request.method == hdrs.METH_OPTIONS or request.body_exists:
                    response = self._answer_early(request) or await handler(request)
                else:
                    response = await handler(request)
            except Exception as error:  # noqa: BLE001 - the border; not CancelledError: a client that hung up is no failure
                response = await self._answer_error(request, error, request_id)
            if type(response) is ReadyResponse:
                response.route = request.match_info.route.resource.canonical  # type: ignore[union-attr] # a route's
            self.dress(request, response, request_id)
            return response

        return outer_layer

    def around(self, router: ServerHandler) -> ServerHandler:
        """Return a handler for the server that asks the shortcut first and then the application's router."""
        shortcut = self._shortcut
        if shortcut is None:
            return router

        async def shortcut_or_router(request: web.BaseRequest) -> web.StreamResponse:
            if request.method in _SHORTCUT_METHODS and isinstance(request, web.Request):
                STARTED.set(perf_counter())
                response = shortcut(request)
                if response is not None:
                    self.dress(request, response)
                    return response
            return await router(request)

        return shortcut_or_router

    def _answer_early(self, request: web.Request) -> web.StreamResponse | None:
        if request.method == hdrs.METH_OPTIONS and hdrs.ORIGIN in request.headers:
            return web.Response(status=204, headers=self._cors.preflight(request.headers))
        length = request.content_length
        if length is not None and length > self._max_body_bytes:
            raise web.HTTPRequestEntityTooLarge(self._max_body_bytes, length)
        return None

    async def _answer_error(self, request: web.Request, error: Exception, request_id: str) -> web.Response:
        match error:
            case web.HTTPException():
                answer = await answer_http_exception(request, error)
            case ServiceError():
                answer = answer_service_error(request, error, request_id)
            case _:
                answer = answer_unhandled(request, error, request_id)
        return answer

    def _request_id(self, request: web.Request) -> str:
        given = request.headers.get(X_REQUEST_ID)
        return next(self._ids) if given is None or not _SANE_REQUEST_ID.fullmatch(given) else given

    def dress(self, request: web.Request, response: web.StreamResponse, request_id: str = "") -> None:
        """Add the headers that every answer has; without a `request_id` the request gets one now."""
        cors = self._cors.answer(request.headers)
        if type(response) is ReadyResponse:
            response.request_id = request_id or self._request_id(request)
            response.more_lines = cors.lines
        elif response.prepared:  # a streamed answer: its headers are gone
            return
        else:
            headers = response.headers
            headers[hdrs.SERVER] = SERVER
            headers[CONTENT_TYPE_OPTIONS] = NOSNIFF
            if X_REQUEST_ID not in headers:
                headers[X_REQUEST_ID] = request_id or self._request_id(request)
            if hdrs.ACCESS_CONTROL_ALLOW_METHODS not in headers:  # a preflight has its own
                vary = headers.get(hdrs.VARY)
                headers[hdrs.VARY] = f"{vary}, {hdrs.ORIGIN}" if vary else hdrs.ORIGIN
                headers.update(cors.headers)
        if self._on_response is not None:
            self._on_response(request, response)
        if self._draining:
            response.force_close()

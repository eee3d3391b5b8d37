"""What every HTTP service stands on: one application factory with one middleware around everything.

The middleware gives each answer its request id and its CORS headers, and turns every exception into the
one error shape of the API (http-read-api.md section 1). Metrics and access log are taken by the
`RequestRecorder`. All of it runs for every request, so each line here is weighed.
"""

import itertools
import logging
import re
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from time import perf_counter
from typing import Any, BinaryIO, Final

import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from service_kit.access_log import AccessLog
from service_kit.cors import CorsRules
from service_kit.errors import RequestInvalid, ServiceError
from service_kit.ready_response import ReadyResponse
from service_kit.request_recorder import STARTED, X_REQUEST_ID, RequestRecorder
from service_kit.settings import HttpSettings
from service_kit.slashes import redirect_target
from service_kit.telemetry import Telemetry

OnResponse = Callable[[web.Request, web.StreamResponse], None]

TELEMETRY: Final = web.AppKey("telemetry", Telemetry)
RETRY_AFTER_SECONDS: Final = 5
JSON_TYPE: Final = "application/json"

_SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")

log = logging.getLogger(__name__)


def problem(status: int, detail: object, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return the one error answer: JSON `{"detail": ...}`, a text or (for 422) a list of problems."""
    return web.Response(
        status=status,
        body=orjson.dumps({"detail": detail}, default=str),
        content_type=JSON_TYPE,
        headers=headers,
    )


def create_application(
    settings: HttpSettings,
    telemetry: Telemetry,
    *,
    on_response: OnResponse | None = None,
    access_log_output: BinaryIO | None = None,
) -> web.Application:
    """Return an application without routes. Two in one process do not see each other.

    `on_response` may add headers to every answer, errors included, before it is sent. Access log lines
    go to `access_log_output`, else to standard output.
    """
    access_log = AccessLog(access_log_output or sys.stdout.buffer, telemetry) if settings.access_log else None
    recorder = RequestRecorder(telemetry, access_log)
    skin = _Skin(settings, on_response)
    application = web.Application(
        middlewares=[skin.middleware()],
        client_max_size=settings.max_body_bytes,
        handler_args={
            "access_log_class": lambda _logger, _format: recorder,
            "access_log": log,
            "keepalive_timeout": settings.keepalive_seconds,
            "max_line_size": settings.max_header_bytes,
            "max_field_size": settings.max_header_bytes,
        },
    )
    application[TELEMETRY] = telemetry
    application.on_shutdown.append(skin.start_draining)
    if access_log is not None:

        async def write_access_log(_: web.Application) -> AsyncIterator[None]:
            async with access_log.running():
                yield

        application.cleanup_ctx.append(write_access_log)
    return application


class _Skin:
    """The outermost layer of an application."""

    def __init__(self, settings: HttpSettings, on_response: OnResponse | None) -> None:
        self._cors = CorsRules(settings.cors_allowed_origins, open_reads=settings.cors_open_reads)
        self._max_body_bytes = settings.max_body_bytes
        self._on_response = on_response
        self._ids = map("%s%x".__mod__, zip(itertools.repeat(secrets.token_hex(6) + "-"), itertools.count(1)))
        self._draining = False

    async def start_draining(self, _: web.Application) -> None:
        """From now on every answer closes its connection."""
        self._draining = True

    def middleware(self) -> Middleware:
        """Return the middleware that does it all."""

        @web.middleware
        async def skin(request: web.Request, handler: Handler) -> web.StreamResponse:
            request[STARTED] = perf_counter()
            request_id = self._request_id(request)
            try:
                if request.method == hdrs.METH_OPTIONS and hdrs.ORIGIN in request.headers:
                    response: web.StreamResponse = self._preflight(request)
                else:
                    if request.body_exists:
                        self._check_length(request)
                    response = await handler(request)
            except web.HTTPException as error:
                response = await _answer_http_exception(request, error)
            except ServiceError as error:
                response = _answer_service_error(request, error, request_id)
            except Exception:  # not CancelledError: a client that hung up is no failure
                log.exception("%s %s: unhandled (request %s)", request.method, request.path, request_id)
                response = problem(500, "internal error")
            self._dress(request, response, request_id)
            return response

        return skin

    def _request_id(self, request: web.Request) -> str:
        given = request.headers.get(X_REQUEST_ID)
        if given is not None and _SANE_REQUEST_ID.fullmatch(given):
            return given
        return next(self._ids)

    def _check_length(self, request: web.Request) -> None:
        length = request.content_length
        if length is not None and length > self._max_body_bytes:
            raise web.HTTPRequestEntityTooLarge(self._max_body_bytes, length)

    def _preflight(self, request: web.Request) -> web.Response:
        return web.Response(status=204, headers=self._cors.preflight(request.headers))

    def _dress(self, request: web.Request, response: web.StreamResponse, request_id: str) -> None:
        if response.prepared:  # a streamed answer: its headers are gone
            return
        headers = response.headers
        headers[X_REQUEST_ID] = request_id
        cors = self._cors.answer(request.headers)
        if isinstance(response, ReadyResponse):
            response.more_lines = cors.lines
        elif hdrs.ACCESS_CONTROL_ALLOW_METHODS not in headers:  # a preflight has its own
            vary = headers.get(hdrs.VARY)
            headers[hdrs.VARY] = f"{vary}, {hdrs.ORIGIN}" if vary else hdrs.ORIGIN
            headers.update(cors.headers)
        if self._on_response is not None:
            self._on_response(request, response)
        if self._draining:
            response.force_close()


async def _answer_http_exception(request: web.Request, error: web.HTTPException) -> web.Response:
    if error.status < 400:
        return web.Response(
            status=error.status, headers={hdrs.LOCATION: error.headers.get(hdrs.LOCATION, "")}
        )
    if error.status == 404 and (target := await redirect_target(request)) is not None:
        return web.Response(status=307, headers={hdrs.LOCATION: target})
    allow = error.headers.get(hdrs.ALLOW)
    answer = problem(error.status, error.reason, headers={hdrs.ALLOW: allow} if allow else None)
    if error.status == 413:
        answer.force_close()  # do not read the rest of the body
    return answer


def _answer_service_error(request: web.Request, error: ServiceError, request_id: str) -> web.Response:
    if error.status >= 500:
        log.log(
            logging.WARNING if error.retryable else logging.ERROR,
            "%s %s: %s (request %s)",
            request.method,
            request.path,
            error,
            request_id,
            exc_info=None if error.retryable else error,
        )
    detail: Any = error.details if isinstance(error, RequestInvalid) else str(error)
    headers: dict[str, str] = {hdrs.RETRY_AFTER: str(RETRY_AFTER_SECONDS)} if error.retryable else {}
    return problem(error.status, detail, headers=headers)

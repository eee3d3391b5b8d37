"""Errors as HTTP answers: the one error shape of the API (http-read-api.md section 1)."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from service_kit.errors import RequestBroken, RequestInvalid, RequestTooSlow, ServiceError
from service_kit.slashes import redirect_target

RETRY_AFTER_SECONDS: Final = 5
JSON_TYPE: Final = "application/json"
NO_STORE: Final = "no-store"

log = logging.getLogger(__name__)


def problem(
    status: int,
    detail: object,
    *,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> web.Response:
    """Return the one error answer: JSON `{"detail": ...}`, a text or (for 422) a list of problems.

    `members` stand beside the detail. No cache keeps it: a 404 may be kept where nothing is said
    (RFC 9110 section 15.1), and what somebody with a key was told is for nobody else.
    """
    return web.Response(
        status=status,
        body=orjson.dumps({"detail": detail, **(members or {})}, default=str),
        content_type=JSON_TYPE,
        headers={hdrs.CACHE_CONTROL: NO_STORE, **(headers or {})},
    )


async def answer_http_exception(request: web.Request, error: web.HTTPException) -> web.Response:
    """Answer the router's 404 and 405, the body limit's 413, and redirects."""
    if error.status < 400:
        return web.Response(
            status=error.status, headers={hdrs.LOCATION: error.headers.get(hdrs.LOCATION, "")}
        )
    if error.status == 404 and (target := await redirect_target(request)) is not None:
        return web.Response(status=307, headers={hdrs.LOCATION: target})
    allow = error.headers.get(hdrs.ALLOW)
    # the phrase of 413 differs between versions of Python
    reason = "the request body is too large" if error.status == 413 else error.reason
    answer = problem(error.status, reason, headers={hdrs.ALLOW: allow} if allow else None)
    if error.status == 413:
        answer.force_close()  # do not read the rest of the body
    return answer


def answer_service_error(request: web.Request, error: ServiceError, request_id: str) -> web.Response:
    """Answer an error of ours with its status; one that can pass also says when to try again."""
    if error.status >= 500 and not error.expected:
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
    answer = problem(error.status, detail, headers={**headers, **error.headers}, members=error.members)
    if isinstance(error, RequestBroken | RequestTooSlow):
        answer.force_close()  # what else comes over the connection cannot be told apart from the rest
    return answer


def answer_unhandled(request: web.Request, error: Exception, request_id: str) -> web.Response:
    """Answer a bug: the log has everything, the client nothing of it."""
    log.error("%s %s: unhandled (request %s)", request.method, request.path, request_id, exc_info=error)
    return problem(500, "internal error")

"""Requests that demand a revision, by the header `X-Min-Revision`."""

from collections.abc import Callable
from typing import Final, Protocol

from aiohttp import web

from service_kit.endpoints import Handler
from service_kit.errors import RequestInvalid
from service_kit.revision_headers import X_MIN_REVISION

MAX_REVISION_DIGITS: Final = 18


class Revisions(Protocol):
    """What serves revisions, each when it arrives."""

    async def reach(self, revision: int, timeout_seconds: float) -> None:
        """Wait until the revision is being served. Raises `NotReady` when the time is over."""


def waiting_for_revision(revisions: Revisions, wait_seconds: float) -> Callable[[Handler], Handler]:
    """Return what makes a handler wait for the revision that the request demands with `X-Min-Revision`."""

    def wrap(handler: Handler) -> Handler:
        async def waiting(request: web.Request) -> web.StreamResponse:
            if X_MIN_REVISION in request.headers:
                await revisions.reach(_revision(request.headers[X_MIN_REVISION]), wait_seconds)
            return await handler(request)

        return waiting

    return wrap


def _revision(text: str) -> int:
    digits = text.strip()
    if digits.isascii() and digits.isdecimal() and len(digits) <= MAX_REVISION_DIGITS:
        return int(digits)
    problem = {
        "type": "int_parsing",
        "loc": ["header", str(X_MIN_REVISION)],
        "msg": "Input should be a valid revision: a whole number, 0 or more",
        "input": text,
    }
    raise RequestInvalid([problem])

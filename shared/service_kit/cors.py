"""Which web pages may call the API (web-console.md section A1).

Requests without an `apikey` are open to every origin by default, those that carry one only to the
configured origins. Cookies are not used, so credentials are never allowed.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs
from multidict import istr

from service_kit.ready_head import header_lines

API_KEY: Final = istr("apikey")
ANY: Final = "*"
EXPOSED: Final = (
    "ETag, X-Revision, X-Stale, Retry-After, Location, X-Request-ID, Idempotency-Replayed,"
    " X-Runtime-Fetched-At, X-Runtime-Stale, Age"
)
ALLOWED_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
ALLOWED_HEADERS: Final = (
    "apikey, content-type, accept, if-none-match, x-fields, last-event-id, x-min-revision, x-request-id,"
    " client-agent, idempotency-key"
)
MAX_AGE_SECONDS: Final = 7200  # browsers cap it themselves


class CorsHeaders:
    """The headers that let pages of an origin (`*`: of all) read an answer; none if it is None."""

    __slots__ = ("headers", "lines")

    def __init__(self, origin: str | None) -> None:
        self.headers: dict[str, str] = {}
        if origin is not None:
            self.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            self.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED
        self.lines = header_lines(self.headers)


TO_ANYBODY: Final = CorsHeaders(ANY)
TO_NOBODY: Final = CorsHeaders(None)


class CorsRules:
    """The rules of one service. `allowed_origins` may hold `*`."""

    def __init__(self, allowed_origins: tuple[str, ...], *, open_reads: bool) -> None:
        self._origins = frozenset(origin.rstrip("/") for origin in allowed_origins)
        self._open_reads = open_reads

    def answer(self, request_headers: Mapping[str, str]) -> "CorsHeaders":
        """Return the headers for the answer to a request."""
        if self._open_reads and API_KEY not in request_headers:  # nearly always
            return TO_ANYBODY
        match self._allowed(request_headers.get(hdrs.ORIGIN), keyed=API_KEY in request_headers):
            case None:
                return TO_NOBODY
            case "*":
                return TO_ANYBODY
            case origin:
                return CorsHeaders(origin)

    def preflight(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that answer a preflight request."""
        asked = headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "").lower()
        keyed = API_KEY in {name.strip() for name in asked.split(",")}
        answer: dict[str, str] = {
            hdrs.VARY: f"{hdrs.ORIGIN}, {hdrs.ACCESS_CONTROL_REQUEST_HEADERS}",
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: ALLOWED_METHODS,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ALLOWED_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: str(MAX_AGE_SECONDS),
        }
        if (origin := self._allowed(headers.get(hdrs.ORIGIN), keyed=keyed)) is not None:
            answer[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        return answer

    def _allowed(self, origin: str | None, *, keyed: bool) -> str | None:
        if (self._open_reads and not keyed) or ANY in self._origins:
            return ANY
        return origin if origin in self._origins else None

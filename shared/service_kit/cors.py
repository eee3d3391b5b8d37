"""Which web pages may call the API (web-console.md section A1).

Requests without an `apikey` are open to every origin by default, those that carry one only to the
configured origins. Cookies are not used, so credentials are never allowed.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs
from multidict import istr

API_KEY: Final = istr("apikey")
ANY: Final = "*"
EXPOSED: Final = "ETag, X-Revision, X-Stale, Retry-After, Location, X-Request-ID"
ALLOWED_METHODS: Final = "GET, HEAD, POST, PUT, DELETE"
ALLOWED_HEADERS: Final = (
    "apikey, content-type, accept, if-none-match, x-fields, last-event-id, x-min-revision, x-request-id,"
    " client-agent"
)
MAX_AGE_SECONDS: Final = 7200  # browsers cap it themselves


class CorsRules:
    """The rules of one service. `allowed_origins` may hold `*`."""

    def __init__(self, allowed_origins: tuple[str, ...], *, open_reads: bool) -> None:
        self._origins = frozenset(origin.rstrip("/") for origin in allowed_origins)
        self._open_reads = open_reads

    def allowed_origin(self, headers: Mapping[str, str]) -> str | None:
        """Return the value of `Access-Control-Allow-Origin` for a request, or None: send no such header."""
        return self._allowed(headers.get(hdrs.ORIGIN), keyed=API_KEY in headers)

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

"""One table of endpoints, from which both the routes and their description are made."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import hdrs, web
from multidict import istr
from pydantic import BaseModel

from read_api.domain.documents import JSON
from read_api.holder import PageHolder
from read_api.parameters import Parameters
from service_kit.errors import RequestInvalid

PREFIXES: Final = ("/api", "")  # the second serves clients that are configured with the bare host
X_MIN_REVISION: Final = istr("X-Min-Revision")
MAX_REVISION_DIGITS: Final = 18

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path.

    `path` is relative to the API and a template as in OpenAPI; `patterns` holds the regular expression of a
    path parameter that does not match simply up to the next slash. `answers` maps a status to the type of
    its JSON body, or to None where the body is not JSON.
    """

    path: str
    handler: Handler
    summary: str
    tag: str
    answers: Mapping[int, Any]
    method: str = hdrs.METH_GET
    query: type[Parameters] | None = None
    body: type[BaseModel] | None = None
    media_type: str = JSON
    patterns: Mapping[str, str] = field(default_factory=dict)
    description: str = ""

    @property
    def route(self) -> str:
        """The path as the router writes it."""
        path = self.path
        for name, pattern in self.patterns.items():
            path = path.replace(f"{{{name}}}", f"{{{name}:{pattern}}}")
        return path


def add_endpoints(
    application: web.Application,
    endpoints: Sequence[Endpoint],
    holder: PageHolder,
    *,
    min_revision_wait_seconds: float,
) -> None:
    """Add the routes, with and without `/api`; what answers GET answers HEAD too.

    Each waits for the revision that the request demands with `X-Min-Revision`.
    """
    for endpoint in endpoints:
        handler = _waiting(endpoint.handler, holder, min_revision_wait_seconds)
        for prefix in PREFIXES:
            resource = application.router.add_resource(prefix + endpoint.route)
            resource.add_route(endpoint.method, handler)
            if endpoint.method == hdrs.METH_GET:
                resource.add_route(hdrs.METH_HEAD, handler)


def _waiting(handler: Handler, holder: PageHolder, wait_seconds: float) -> Handler:
    async def waiting(request: web.Request) -> web.StreamResponse:
        if X_MIN_REVISION in request.headers:
            await holder.reach(_revision(request.headers[X_MIN_REVISION]), wait_seconds)
        return await handler(request)

    return waiting


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

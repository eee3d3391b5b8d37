"""One table of endpoints, from which both the routes and their description are made."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import hdrs, web
from pydantic import BaseModel

from service_kit.parameters import Parameters
from service_kit.problems import JSON_TYPE

PREFIXES: Final = ("/api", "")  # the second serves clients that are configured with the bare host

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path.

    `path` is relative to the API and a template as in OpenAPI; `patterns` holds the regular expression of a
    path parameter that does not match simply up to the next slash. `answers` maps a status to the type of
    its JSON body, or to None where the body is not JSON. `needs_key` and `in_schema` tell the
    description that an `apikey` is demanded, and whether the endpoint is described at all.
    """

    path: str
    handler: Handler
    summary: str
    tag: str
    answers: Mapping[int, Any]
    method: str = hdrs.METH_GET
    query: type[Parameters] | None = None
    body: type[BaseModel] | None = None
    media_type: str = JSON_TYPE
    patterns: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    needs_key: bool = False
    in_schema: bool = True

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
    *,
    wrap: Callable[[Handler], Handler] | None = None,
) -> None:
    """Add the routes, with and without `/api`; what answers GET answers HEAD too.

    `wrap` is put around every handler.
    """
    for endpoint in endpoints:
        handler = wrap(endpoint.handler) if wrap is not None else endpoint.handler
        for prefix in PREFIXES:
            resource = application.router.add_resource(prefix + endpoint.route)
            resource.add_route(endpoint.method, handler)
            if endpoint.method == hdrs.METH_GET:
                resource.add_route(hdrs.METH_HEAD, handler)

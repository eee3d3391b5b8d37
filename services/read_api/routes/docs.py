"""The description of the API for machines, and for people in the browser, without the internet."""

from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aiohttp import web

from read_api.answers import serve
from read_api.holder import PageHolder
from service_kit.coding import Effort
from service_kit.documents import Document, compressed_steps, plain_document
from service_kit.endpoints import Endpoint
from service_kit.errors import NotReady
from service_kit.slices import OnDemand, Steps

TAG: Final = "documentation"
HTML: Final = "text/html; charset=utf-8"

SWAGGER_PACKAGE: Final = "swagger_ui"  # only its files are used: Swagger UI 5
SWAGGER_FILES: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
START_FILE: Final = "start.js"
OPENAPI_FILE: Final = "openapi.json"  # of the whole API; `make docs` writes it

PAGE: Final = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AI-Horde model reference: API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<noscript>This page needs JavaScript. What it shows: <a href="openapi.json">openapi.json</a>.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START: Final = b"""SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "none",
  validatorUrl: null,
});
"""
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Documentation:
    """Serves the documentation of the whole API, whichever service answers."""

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder
        self._openapi = OnDemand(_openapi_steps)
        self._page = plain_document(PAGE, content_type=HTML)
        self._start = plain_document(START, content_type=SWAGGER_FILES["swagger-ui-bundle.js"])
        self._files = {
            name: OnDemand(partial(_file_steps, name, content_type))
            for name, content_type in SWAGGER_FILES.items()
        }

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        yield Endpoint("/openapi.json", self.openapi, "This description", TAG, {200: dict[str, object]})
        for path, summary in (
            ("/docs", "This description, to read and try"),
            ("/redoc", "Another address of the same"),
        ):
            yield Endpoint(path, self.page, summary, TAG, {200: None}, media_type=HTML)
        yield Endpoint(
            f"/docs/{START_FILE}",
            self.start,
            "A part of /docs",
            TAG,
            {200: None},
            media_type="text/javascript",
        )
        for name, content_type in SWAGGER_FILES.items():
            yield Endpoint(
                f"/docs/{name}",
                partial(self.file, name),
                "A part of /docs",
                TAG,
                {200: None},
                media_type=content_type,
            )

    async def openapi(self, request: web.Request) -> web.StreamResponse:
        """Serve the OpenAPI document."""
        return serve(request, self._holder.pages, await self._openapi.get(self._holder.workshop))

    async def page(self, request: web.Request) -> web.StreamResponse:
        """Serve the page."""
        response = serve(request, self._holder.pages, self._page)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Serve the script that starts Swagger UI; the page forbids scripts within itself."""
        return serve(request, self._holder.pages, self._start)

    async def file(self, name: str, request: web.Request) -> web.StreamResponse:
        """Serve a file of Swagger UI."""
        return serve(request, self._holder.pages, await self._files[name].get(self._holder.workshop))


def _openapi_steps() -> Steps[Document]:
    """Read the description, which is written when the software is made: services do not know each other."""
    yield
    body = files("read_api").joinpath(OPENAPI_FILE).read_bytes()
    yield
    document = yield from compressed_steps(plain_document(body), Effort.FAST)  # the best form takes seconds
    return document


def _file_steps(name: str, content_type: str) -> Steps[Document]:
    yield
    body = (_package_folder(SWAGGER_PACKAGE) / "static" / name).read_bytes()
    yield
    document = yield from compressed_steps(plain_document(body, content_type=content_type), Effort.FAST)
    return document


def _package_folder(package: str) -> Path:
    """Find a package's files without running its code."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise NotReady(f"the package {package} is not installed: there are no interactive docs")
    return Path(spec.submodule_search_locations[0])

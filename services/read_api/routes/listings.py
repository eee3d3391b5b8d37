"""The small fixed answers of both API versions: what they are, and which categories they know."""

from collections.abc import Iterator
from functools import partial

from aiohttp import web

from read_api.answers import serve
from read_api.domain.categories import CATEGORIES, LISTED_IN_V2
from read_api.holder import PageHolder
from read_api.responses import Message
from read_api.routes.references import V1, V1_TAG, V2, V2_TAG
from service_kit.documents import Document, json_document
from service_kit.endpoints import Endpoint

V1_INFO = (
    "The model references in the legacy format, as in the repositories on GitHub. Documentation: /api/docs"
)
V2_INFO = "The model references. Documentation: /api/docs"


class Listings:
    """Serves answers that do not depend on the catalogue."""

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        for prefix, tag, info, names in (
            (V1, V1_TAG, V1_INFO, CATEGORIES),
            (V2, V2_TAG, V2_INFO, LISTED_IN_V2),
        ):
            about = json_document({"message": info})
            listed = json_document(names)
            yield Endpoint(f"{prefix}/info", partial(self.fixed, about), "What this is", tag, {200: Message})
            yield Endpoint(
                f"{prefix}/model_categories",
                partial(self.fixed, listed),
                "The names of the categories",
                tag,
                {200: list[str]},
            )

    async def fixed(self, document: Document, request: web.Request) -> web.StreamResponse:
        """Serve a document that never changes."""
        return serve(request, self._holder.pages, document)

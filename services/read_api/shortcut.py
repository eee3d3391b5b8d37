"""The most frequent requests, answered before the router: documents and records by their usual paths."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from horde_model_reference.meta_consts import category_of_v1_name
from read_api.answers import serve
from read_api.domain.categories import CATEGORIES
from read_api.holder import PageHolder
from read_api.pages import Pages
from read_api.routes.references import HISTORY, MODEL_NAME, V1, V2
from service_kit.documents import Document
from service_kit.endpoints import PREFIXES
from service_kit.ready_response import ReadyResponse
from service_kit.revision_headers import X_MIN_REVISION

MODEL: Final = "/model/"


class DocumentShortcut:
    """Finds a document by the raw path. Whatever is unusual about a request is left to the router.

    Its answers are those of the routes in `routes.references`.
    """

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder
        self._v1 = dict(_v1_paths())
        self._v2 = {f"{prefix}{V2}/{name}": name for prefix in PREFIXES for name in CATEGORIES}

    def __call__(self, request: web.Request) -> ReadyResponse | None:
        """Return the answer, or None to ask the router."""
        pages = self._holder.pages
        if pages is None or X_MIN_REVISION in request.headers:
            return None
        path = request.raw_path
        if (category := self._v2.get(path)) is not None:
            document = pages.v2.get(category)
        elif (category := self._v1.get(path)) is not None:
            document = pages.v1.get(category)
        else:
            return self._model(request, pages, path)
        return None if document is None else serve(request, pages, document, route=path)

    def _model(self, request: web.Request, pages: Pages, path: str) -> ReadyResponse | None:
        head, _, name = path.partition(MODEL)
        category = self._v2.get(head)
        if category is None or not name or "?" in name or name.endswith(HISTORY):
            return None
        document = _find_model(pages, category, unquote(name))
        if document is None:
            return None
        return serve(request, pages, document, route=f"{head}{MODEL}{{{MODEL_NAME}}}")


def _find_model(pages: Pages, category: str, name: str) -> Document | None:
    found = pages.categories.get(category)
    return None if found is None else found.models.find(name)


def _v1_paths() -> Iterator[tuple[str, str]]:
    names = [*CATEGORIES, *(f"{name}.json" for name in CATEGORIES)]
    for name in (*names, "stable_diffusion", "stable_diffusion.json", "db.json"):
        category = category_of_v1_name(name)
        if category is not None:
            for prefix in PREFIXES:
                yield f"{prefix}{V1}/{name}", category

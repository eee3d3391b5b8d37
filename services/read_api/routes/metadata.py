"""Book-keeping about the writes of every category (http-read-api.md section 4)."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from aiohttp import web

from horde_model_reference.meta_consts import CanonicalFormat
from read_api.answers import serve
from read_api.domain.categories import CATEGORIES
from read_api.domain.metadata import VERSIONS
from read_api.holder import PageHolder
from read_api.pages import Pages
from read_api.parameters import CATEGORY_PARAMETER, unknown_category
from read_api.responses import CategoryLastUpdated, LastUpdated
from read_api.role import Role
from registry.catalogue import ApiVersion, CategoryMetadata
from service_kit.endpoints import Endpoint
from service_kit.errors import ServiceError
from service_kit.problem_models import Invalid, Problem

TAG: Final = "metadata"
CANONICAL_VERSION: Final[Mapping[CanonicalFormat, ApiVersion]] = {
    CanonicalFormat.v2: "v2",
    CanonicalFormat.legacy: "v1",
}


class NotCanonical(ServiceError):
    """The question makes sense only for the format that accepts writes."""

    status, expected = 503, True


class Metadata:
    """Serves the metadata documents. They are about writes, which only a PRIMARY knows."""

    def __init__(self, holder: PageHolder, role: Role) -> None:
        self._holder = holder
        self._role = role

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints of both versions."""
        for version in VERSIONS:
            prefix = f"/model_references/{version}/metadata"
            yield Endpoint(
                f"{prefix}/last_updated",
                partial(self.last_updated, version),
                f"When {version} data last changed",
                TAG,
                {200: LastUpdated, 503: Problem},
            )
            yield Endpoint(
                f"{prefix}/metadata",
                partial(self.of_all, version),
                f"The {version} metadata of all categories",
                TAG,
                {200: dict[str, CategoryMetadata], 503: Problem},
            )
            yield Endpoint(
                f"{prefix}/{{{CATEGORY_PARAMETER}}}",
                partial(self.of_category, version),
                f"The {version} metadata of a category",
                TAG,
                {200: CategoryMetadata, 422: Invalid, 503: Problem},
            )
            yield Endpoint(
                f"{prefix}/{{{CATEGORY_PARAMETER}}}/last_updated",
                partial(self.last_updated_of, version),
                f"When the {version} data of a category last changed",
                TAG,
                {200: CategoryLastUpdated, 422: Invalid, 503: Problem},
            )

    async def last_updated(self, version: ApiVersion, request: web.Request) -> web.StreamResponse:
        """Serve the time of the last change of the canonical format."""
        pages = self._pages()
        canonical = self._role.canonical_format
        if version != CANONICAL_VERSION[canonical]:
            raise NotCanonical(f"{version} is not the canonical format here: {canonical} is")
        return serve(request, pages, pages.metadata[version].last_updated)

    async def of_all(self, version: ApiVersion, request: web.Request) -> web.StreamResponse:
        """Serve the metadata of all categories, in their order."""
        pages = self._pages()
        return serve(request, pages, pages.metadata[version].of_all)

    async def of_category(self, version: ApiVersion, request: web.Request) -> web.StreamResponse:
        """Serve the metadata of one category."""
        category = _category(request)
        pages = self._pages()
        return serve(request, pages, pages.metadata[version].of_category[category])

    async def last_updated_of(self, version: ApiVersion, request: web.Request) -> web.StreamResponse:
        """Serve the time of the last change of one category."""
        category = _category(request)
        pages = self._pages()
        return serve(request, pages, pages.metadata[version].last_updated_of[category])

    def _pages(self) -> Pages:
        self._role.require_primary("metadata about writes are not known here")
        return self._holder.current()


def _category(request: web.Request) -> str:
    name = request.match_info[CATEGORY_PARAMETER]
    if name not in CATEGORIES:
        raise unknown_category(name)
    return name

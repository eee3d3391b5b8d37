"""The reference documents of both formats, and single records (http-read-api.md sections 3 and 5)."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from aiohttp import web

from horde_model_reference.meta_consts import category_of_v1_name
from horde_model_reference.model_reference_records import get_record_type_for_category
from read_api.answers import serve
from read_api.domain.categories import (
    CATEGORIES,
    DIFFUSERS_FILE,
    TEXT_GENERATION,
)
from read_api.holder import PageHolder
from read_api.parameters import CATEGORY_PARAMETER, unknown_category
from read_api.routes.former_references import FormerReferences, RevisionParameters, asked_revision
from service_kit.endpoints import Endpoint
from service_kit.errors import NotFound, ValueNotKnown
from service_kit.parameters import parse_query
from service_kit.problem_models import Invalid, Problem

V1: Final = "/model_references/v1"
V2: Final = "/model_references/v2"
V1_TAG: Final = "v1: legacy format"
V2_TAG: Final = "v2: references"

MODEL_NAME: Final = "model_name"
HISTORY: Final = "/history"  # behind a model's name
ANY_NAME: Final = r"[\s\S]+"  # names may hold slashes, sent as they are or as %2F
CATEGORY_OF_ALIAS: Final = "|".join(CATEGORIES)
NAME_OF_ALIAS: Final = r"(?!(?:search|popular|pending|add|model|compose_name)$)[^{}/]+"  # other routes

LEGACY_DOCUMENT: Final = dict[str, dict[str, Any]]
NOT_LOADED: Final = {503: Problem}


class TextDocumentParameters(RevisionParameters):
    """Which legacy text document, and what may be added to it."""

    include_group: bool = False


class References:
    """Serves the documents that the pages hold."""

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder
        self._former = FormerReferences(holder)

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints; each category has routes of its own, which the router finds fastest."""
        for category in CATEGORIES:
            yield self._v1_endpoint(category)
        yield Endpoint(
            f"{V1}/{{{CATEGORY_PARAMETER}}}",
            self.v1_by_name,
            "A legacy document by category or file name",
            V1_TAG,
            {200: LEGACY_DOCUMENT, 404: Problem, 422: Invalid | Problem, **NOT_LOADED},
            query=RevisionParameters,
            description="Besides the categories: `stable_diffusion`, `<category>.json`, "
            "`stable_diffusion.json`, `db.json`, `diffusers.json`.",
        )
        for category in CATEGORIES:
            yield from self._v2_endpoints(category)
        yield Endpoint(
            f"{V2}/{{{CATEGORY_PARAMETER}}}",
            self.unknown_category,
            "Any other category: there is none",
            V2_TAG,
            {422: Invalid},
        )
        yield Endpoint(
            f"{V2}/{{{CATEGORY_PARAMETER}}}/model/{{{MODEL_NAME}}}",
            self.unknown_category,
            "A record of any other category: there is none",
            V2_TAG,
            {422: Invalid},
            patterns={MODEL_NAME: ANY_NAME},
        )

    def alias_endpoint(self) -> Endpoint:
        """Return the short form of the record routes. It has to be added last, so that it hides nothing."""
        return Endpoint(
            f"{V2}/{{{CATEGORY_PARAMETER}}}/{{{MODEL_NAME}}}",
            self.aliased_model,
            "One record (short form)",
            V2_TAG,
            {200: dict[str, Any], 404: Problem, 422: Invalid, **NOT_LOADED},
            query=RevisionParameters,
            patterns={CATEGORY_PARAMETER: CATEGORY_OF_ALIAS, MODEL_NAME: NAME_OF_ALIAS},
        )

    def _v1_endpoint(self, category: str) -> Endpoint:
        is_text = category == TEXT_GENERATION
        return Endpoint(
            f"{V1}/{category}",
            self.v1_text if is_text else partial(self.v1_document, category),
            f"The legacy document of {category}",
            V1_TAG,
            {200: LEGACY_DOCUMENT, 404: Problem, 422: Invalid, **NOT_LOADED},
            query=TextDocumentParameters if is_text else RevisionParameters,
        )

    def _v2_endpoints(self, category: str) -> Iterator[Endpoint]:
        record_type = get_record_type_for_category(category)
        yield Endpoint(
            f"{V2}/{category}",
            partial(self.v2_document, category),
            f"The records of {category} by name",
            V2_TAG,
            {200: dict[str, record_type], 404: Problem, 422: Invalid, **NOT_LOADED},  # type: ignore[valid-type] # for OpenAPI
            query=RevisionParameters,
        )
        yield Endpoint(
            f"{V2}/{category}/model/{{{MODEL_NAME}}}",
            partial(self.model, category),
            f"One record of {category}",
            V2_TAG,
            {200: record_type, 404: Problem, 422: Invalid, **NOT_LOADED},
            query=RevisionParameters,
            patterns={MODEL_NAME: ANY_NAME},
        )

    def exists(self, category: str, name: str) -> bool:
        """Whether there is a model with this key now."""
        found = self._holder.current().categories.get(category)
        return found is not None and name in found.models

    async def v1_document(self, category: str, request: web.Request) -> web.StreamResponse:
        """Serve a legacy document: the file's own bytes."""
        if (revision := asked_revision(request)) is not None:
            return await self._former.v1_document(request, category, revision)
        pages = self._holder.current()
        document = pages.v1.get(category)
        if document is None:
            raise NotFound(f"there is no legacy reference for '{category}'")
        return serve(request, pages, document)

    async def v1_text(self, request: web.Request) -> web.StreamResponse:
        """Serve the legacy text document, with the groups where they are asked for."""
        if request.query_string:
            asked = parse_query(TextDocumentParameters, request.query)
            if asked.include_group:
                return await self._v1_text_with_groups(request, asked.revision)
        return await self.v1_document(TEXT_GENERATION, request)

    async def _v1_text_with_groups(self, request: web.Request, revision: int | None) -> web.StreamResponse:
        if revision is not None:
            return await self._former.v1_text_with_groups(request, revision)
        pages = self._holder.current()
        if pages.text is None or TEXT_GENERATION not in pages.v1:
            raise NotFound(f"there is no legacy reference for '{TEXT_GENERATION}'")
        return serve(request, pages, await pages.text.legacy_with_groups.get(self._holder.workshop))

    async def v1_by_name(self, request: web.Request) -> web.StreamResponse:
        """Serve a legacy document by any of its names."""
        name = request.match_info[CATEGORY_PARAMETER]
        if name == DIFFUSERS_FILE:
            return await self._diffusers(request)
        category = category_of_v1_name(name)
        if category is None:
            raise ValueNotKnown(f"unknown model reference '{name}'")
        return await self.v1_document(category, request)

    async def _diffusers(self, request: web.Request) -> web.StreamResponse:
        if (revision := asked_revision(request)) is not None:
            return await self._former.diffusers(request, revision)
        pages = self._holder.current()
        return serve(request, pages, pages.diffusers)

    async def v2_document(self, category: str, request: web.Request) -> web.StreamResponse:
        """Serve the records of a category."""
        if (revision := asked_revision(request)) is not None:
            return await self._former.v2_document(request, category, revision)
        pages = self._holder.current()
        document = pages.v2.get(category)
        if document is None:
            raise NotFound(f"there is no model reference for '{category}'")
        return serve(request, pages, document)

    async def model(self, category: str, request: web.Request) -> web.StreamResponse:
        """Serve one record by its key."""
        return await self.serve_model(category, request.match_info[MODEL_NAME], request)

    async def serve_model(self, category: str, name: str, request: web.Request) -> web.StreamResponse:
        """Serve the record with this key. Raises `NotFound`."""
        if (revision := asked_revision(request)) is not None:
            return await self._former.model(request, category, name, revision)
        pages = self._holder.current()
        found = pages.categories.get(category)
        document = found.models.find(name) if found is not None else None
        if document is None:
            raise NotFound(f"there is no model '{name}' in '{category}'")
        return serve(request, pages, document)

    async def aliased_model(self, request: web.Request) -> web.StreamResponse:
        """Serve one record by the short form of its path."""
        return await self.model(request.match_info[CATEGORY_PARAMETER], request)

    async def unknown_category(self, request: web.Request) -> web.StreamResponse:
        """Refuse a name that is no category."""
        raise unknown_category(request.match_info[CATEGORY_PARAMETER])

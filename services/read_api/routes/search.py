"""Search within one category and over all (http-read-api.md section 6)."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from read_api.answers import serve
from read_api.domain.categories import CATEGORIES, empty_v2_is_served, record_fields
from read_api.domain.search import SearchQuery, check, search
from read_api.domain.search_table import SearchTable
from read_api.holder import PageHolder
from read_api.pages import Pages, SearchPages
from read_api.parameters import CATEGORY_PARAMETER
from read_api.responses import SearchAnswer
from read_api.routes.references import V2
from service_kit.answer_cache import AnswerCache
from service_kit.documents import Document, plain_document
from service_kit.endpoints import Endpoint
from service_kit.errors import NotFound, ValueNotKnown
from service_kit.parameters import Parameters, parse_query
from service_kit.problem_models import Invalid, Problem
from service_kit.web import TELEMETRY

TAG: Final = "v2: search"
MAX_HELD_BYTES: Final = 8 * 1024 * 1024
LARGE_TABLE_ROWS: Final = 5000  # from here on a search could hold up the event loop

Limit = Annotated[int, Field(ge=1, le=500, description="most results in the answer")]
Offset = Annotated[int, Field(ge=0, description="results left out at the start")]


class SearchAllParameters(Parameters):
    """Conditions that any record can meet; all of them must hold."""

    nsfw: bool | None = Field(None, description="equality; records without the field never match")
    tags_any: tuple[str, ...] = Field((), description="at least one of these tags")
    tags_all: tuple[str, ...] = Field((), description="all of these tags")
    tags_none: tuple[str, ...] = Field((), description="none of these tags")
    name_contains: str | None = Field(None, description="part of the name, in any letter case")
    sort_by: str | None = Field(None, description="a field of every record; without it, source order")
    sort_desc: bool = Field(False, description="the other way round; missing values first")
    limit: Limit = 50
    offset: Offset = 0


class SearchParameters(SearchAllParameters):
    """Conditions on the records of one category; all of them must hold."""

    baseline: str | None = Field(None, description="equality")
    inpainting: bool | None = Field(None, description="equality")
    backend: str | None = Field(None, description="text models only: `aphrodite` or `koboldcpp`")
    exclude_backend_variations: bool = Field(False, description="text models only: canonical names only")
    quantized: bool | None = Field(None, description="text models only: whether the name says so")
    source: str = Field("horde", description="`horde` or `any`, the same here")


class Search:
    """Searches the tables of the pages."""

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder
        self._answers = AnswerCache(MAX_HELD_BYTES)

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        refusals = {400: Problem, 503: Problem}
        yield Endpoint(
            f"{V2}/search",
            self.all_categories,
            "Search over all categories",
            TAG,
            {200: SearchAnswer, 422: Invalid, **refusals},
            query=SearchAllParameters,
        )
        yield Endpoint(
            f"{V2}/{{{CATEGORY_PARAMETER}}}/search",
            self.one_category,
            "Search within a category",
            TAG,
            {200: SearchAnswer, 404: Problem, 422: Invalid | Problem, **refusals},
            query=SearchParameters,
        )

    async def all_categories(self, request: web.Request) -> web.StreamResponse:
        """Serve the matches among all records."""
        query = SearchQuery(**dict(parse_query(SearchAllParameters, request.query)))
        pages = self._holder.current()
        return serve(request, pages, await self._answer(request, pages, pages.search_all, query))

    async def one_category(self, request: web.Request) -> web.StreamResponse:
        """Serve the matches among the records of a category."""
        query = SearchQuery(**dict(parse_query(SearchParameters, request.query)))
        category = request.match_info[CATEGORY_PARAMETER]
        if category not in CATEGORIES:
            raise ValueNotKnown(f"unknown category '{category}': one of {', '.join(CATEGORIES)}")
        pages = self._holder.current()
        found = pages.categories.get(category)
        if found is not None:
            return serve(request, pages, await self._answer(request, pages, found.search, query))
        return serve(request, pages, _search_nothing(category, query))

    async def _answer(
        self, request: web.Request, pages: Pages, searched: SearchPages, query: SearchQuery
    ) -> Document:
        key = (pages.key, searched.table.category, query)
        held = self._answers.find(key)
        request.app[TELEMETRY].count_answer(hit=held is not None)
        if held is not None:
            return held
        table = searched.table
        check(query, table)
        ranks = await searched.ranks.get(self._holder.workshop) if query.sort_by is not None else {}
        if len(table) > LARGE_TABLE_ROWS:
            body = await asyncio.to_thread(search, table, query, ranks)
        else:
            body = search(table, query, ranks)
        document = plain_document(body)
        self._answers.hold(key, document)
        return document


def _search_nothing(category: str, query: SearchQuery) -> Document:
    if not empty_v2_is_served(category):
        raise NotFound(f"there is no model reference for '{category}'")
    table = SearchTable(category, record_fields(category))
    check(query, table)
    return plain_document(search(table, replace(query, sort_by=None), {}))

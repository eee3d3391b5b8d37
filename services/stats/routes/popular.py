"""The models that are used or served most (statistics.md section 5)."""

from collections.abc import Iterator
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from service_kit.documents import json_document
from service_kit.endpoints import Endpoint
from service_kit.errors import ValueNotKnown
from service_kit.parameters import Parameters, parse_query
from service_kit.problem_models import Invalid, Problem
from stats.answers import Answers, HeldAnswers
from stats.categories import CATEGORIES, CATEGORY_PARAMETER, has_live_figures
from stats.domain.figure_columns import Measure
from stats.domain.popular_table import PopularQuery
from stats.engine import StatsEngine
from stats.responses import PopularModel
from stats.results import PLAIN_POPULAR
from stats.routes.paths import POPULAR, TAG


class PopularParameters(Parameters):
    """How many models, ranked by what."""

    limit: Annotated[int, Field(ge=1, le=100)] = 10
    sort_by: Literal["worker_count", "usage_day", "usage_month", "usage_total"] = "worker_count"
    include_workers: bool = Field(
        False, description="name the workers; `worker_count` is then their number, else that of their threads"
    )

    @property
    def wanted(self) -> PopularQuery:
        """The same without the wording of HTTP."""
        return PopularQuery(self.limit, Measure(self.sort_by), self.include_workers)


class Popular:
    """Serves rankings of models."""

    def __init__(self, engine: StatsEngine) -> None:
        self._engine = engine
        self._answers = Answers(engine)
        self._held = HeldAnswers()
        self._nothing = json_document([])

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        yield Endpoint(
            POPULAR,
            self.popular,
            "The models that are used or served most",
            TAG,
            {200: list[PopularModel], 422: Invalid | Problem, 502: Problem, 503: Problem},
            query=PopularParameters,
            description="Empty for categories that the AI-Horde has no figures of.",
        )

    async def popular(self, request: web.Request) -> web.StreamResponse:
        """Serve the models at the top of a category."""
        query = parse_query(PopularParameters, request.query).wanted
        category = request.match_info[CATEGORY_PARAMETER]
        if category not in CATEGORIES:
            raise ValueNotKnown(f"unknown category '{category}': one of {', '.join(CATEGORIES)}")
        results = self._engine.current()
        if not has_live_figures(category) or category not in results.categories:
            return self._answers.serve(request, results, self._nothing)
        results, live = await self._engine.live(category)
        if query == PLAIN_POPULAR:
            return self._answers.serve(request, results, live.popular, live.mark)
        key = (results.key(category), query)
        document = self._held.document(request, key, lambda: live.tables.popular.body(query))
        return self._answers.serve(request, results, document, live.mark)

"""Figures about the records of a category (statistics.md section 2)."""

from collections.abc import Iterator
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from service_kit.documents import plain_document
from service_kit.endpoints import Endpoint
from service_kit.parameters import Parameters, parse_query
from service_kit.problem_models import Invalid, Problem
from stats.answers import Answers
from stats.categories import CATEGORY_PARAMETER, records_of, require_known
from stats.engine import StatsEngine
from stats.responses import CategoryStatistics
from stats.routes.paths import OF_CATEGORY, TAG

Limit = Annotated[int, Field(ge=1)]
Offset = Annotated[int, Field(ge=0)]

GROUP: Final = Field(False, description="text models only: count families of models instead of models")


class StatisticsParameters(Parameters):
    """What is counted. There is no list in the answer, so limit and offset are only repeated in it."""

    group_text_models: bool = GROUP
    limit: Limit | None = None
    offset: Offset = 0


class Statistics:
    """Serves the statistics of categories."""

    def __init__(self, engine: StatsEngine) -> None:
        self._engine = engine
        self._answers = Answers(engine)

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        yield Endpoint(
            OF_CATEGORY,
            self.statistics,
            "Figures about the records of a category",
            TAG,
            {200: CategoryStatistics, 404: Problem, 422: Invalid, 503: Problem},
            query=StatisticsParameters,
        )

    async def statistics(self, request: web.Request) -> web.StreamResponse:
        """Serve the statistics of one category."""
        query = parse_query(StatisticsParameters, request.query)
        category = request.match_info[CATEGORY_PARAMETER]
        require_known(category)
        results = self._engine.current()
        found = records_of(results, category)
        grouped = query.group_text_models
        if query.limit is None and not query.offset:
            document = found.grouped_statistics if grouped else found.statistics
        else:
            body = found.statistics_page(grouped=grouped, limit=query.limit, offset=query.offset)
            document = plain_document(body)
        return self._answers.serve(request, results, document)

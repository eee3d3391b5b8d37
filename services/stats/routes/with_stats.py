"""The live figures of every model of a category (statistics.md section 3)."""

from collections.abc import Iterator

from aiohttp import web
from pydantic import Field

from service_kit.endpoints import Endpoint
from service_kit.parameters import Parameters, parse_query
from service_kit.problem_models import Invalid
from stats.answers import Answers, HeldAnswers
from stats.categories import (
    CATEGORY_PARAMETER,
    is_managed_elsewhere,
    records_of,
    require_known,
    require_live_figures,
)
from stats.domain.with_stats_table import Members, SortBy, WithStatsQuery
from stats.engine import StatsEngine
from stats.responses import ModelStats
from stats.results import PLAIN_WITH_STATS
from stats.routes.paths import LIVE_REFUSALS, TAG, WITH_STATS


class WithStatsParameters(Parameters):
    """What is shown of which models, in which order."""

    include_workers: bool = Field(
        False, description="name the workers; `worker_count` is then their number, else that of their threads"
    )
    include_backend_variations: bool = Field(
        False, description="text models only: the share of each back end"
    )
    min_worker_count: int | None = Field(None, description="leave out models with a smaller `worker_count`")
    sort_by: SortBy | None = Field(None, description="without it, the order of the reference")
    sort_desc: bool = Field(True, description="the largest first")

    @property
    def wanted(self) -> WithStatsQuery:
        """The same without the wording of HTTP."""
        members = Members(self.include_workers, self.include_backend_variations)
        return WithStatsQuery(
            members, self.min_worker_count, self.sort_by, self.sort_desc if self.sort_by else True
        )


class WithStats:
    """Serves figures by the names of models."""

    def __init__(self, engine: StatsEngine) -> None:
        self._engine = engine
        self._answers = Answers(engine)
        self._held = HeldAnswers()

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        yield Endpoint(
            WITH_STATS,
            self.with_stats,
            "The live figures of every model",
            TAG,
            {200: dict[str, ModelStats], 422: Invalid, **LIVE_REFUSALS},
            query=WithStatsParameters,
            description="`X-Runtime-Fetched-At`, `X-Runtime-Stale` and `Age` tell how old the figures are.",
        )

    async def with_stats(self, request: web.Request) -> web.StreamResponse:
        """Serve the figures of one category."""
        query = parse_query(WithStatsParameters, request.query).wanted
        category = request.match_info[CATEGORY_PARAMETER]
        require_known(category)
        if not is_managed_elsewhere(category):
            records_of(self._engine.current(), category)
        require_live_figures(category)
        results, live = await self._engine.live(category)
        if query == PLAIN_WITH_STATS:
            return self._answers.serve(request, results, live.with_stats, live.mark)
        key = (results.key(category), query)
        document = self._held.document(request, key, lambda: live.tables.with_stats.body(query))
        return self._answers.serve(request, results, document, live.mark)

"""Which models could be deleted (statistics.md section 4)."""

from collections.abc import Iterator

from aiohttp import web
from pydantic import Field

from service_kit.documents import json_document
from service_kit.endpoints import Endpoint
from service_kit.errors import RequestRefused
from service_kit.parameters import Parameters, parse_query
from service_kit.problem_models import Invalid
from stats.answers import Answers, HeldAnswers
from stats.categories import CATEGORY_PARAMETER, records_of, require_known, require_live_figures
from stats.domain.live_tables import RiskVariant
from stats.domain.risk_presets import PRESETS
from stats.domain.risk_rules import is_text
from stats.domain.risk_table import RiskQuery
from stats.engine import StatsEngine
from stats.responses import DeletionRisk, RiskPreset
from stats.results import PLAIN_RISK
from stats.routes import paths
from stats.routes.category import GROUP, Limit, Offset


class RiskParameters(Parameters):
    """Which models, and which page of them."""

    group_text_models: bool = GROUP
    include_backend_variations: bool = Field(
        False, description="text models only, not of families: the share of each back end"
    )
    preset: str | None = Field(None, description="what to look for; see `deletion-risk/presets`")
    limit: Limit | None = None
    offset: Offset = 0

    @property
    def wanted(self) -> RiskQuery:
        """The same without the wording of HTTP."""
        return RiskQuery(self.preset, self.limit, self.offset)

    def variant(self, category: str) -> RiskVariant:
        """Return the form of the report; families have no back ends, and images neither."""
        if not is_text(category):
            return RiskVariant.PLAIN
        if self.group_text_models:
            return RiskVariant.GROUPED
        return RiskVariant.VARIATIONS if self.include_backend_variations else RiskVariant.PLAIN


class Risk:
    """Serves deletion risk reports."""

    def __init__(self, engine: StatsEngine) -> None:
        self._engine = engine
        self._answers = Answers(engine)
        self._held = HeldAnswers()
        presets = [{"name": name, "description": text} for name, text in PRESETS.items()]
        self._presets = json_document(presets)

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints; the alias is not described."""
        yield Endpoint(paths.PRESETS, self.presets, "What to look for", paths.TAG, {200: list[RiskPreset]})
        for path in (paths.DELETION_RISK, paths.AUDIT):
            yield Endpoint(
                path,
                self.deletion_risk,
                "Which models could be deleted",
                paths.TAG,
                {200: DeletionRisk, 422: Invalid, **paths.LIVE_REFUSALS},
                query=RiskParameters,
                in_schema=path == paths.DELETION_RISK,
            )

    async def presets(self, request: web.Request) -> web.StreamResponse:
        """Serve the names of the presets and what they mean."""
        return self._answers.serve(request, self._engine.results, self._presets)

    async def deletion_risk(self, request: web.Request) -> web.StreamResponse:
        """Serve the report of one category."""
        asked = parse_query(RiskParameters, request.query)
        category = request.match_info[CATEGORY_PARAMETER]
        require_known(category)
        require_live_figures(category)
        if asked.preset is not None and asked.preset not in PRESETS:
            raise RequestRefused(f"unknown preset '{asked.preset}': one of {', '.join(PRESETS)}")
        records_of(self._engine.current(), category)
        results, live = await self._engine.live(category)
        variant, query = asked.variant(category), asked.wanted
        if query == PLAIN_RISK:
            return self._answers.serve(request, results, live.risk[variant], live.mark)
        key = (results.key(category), variant, query)
        document = self._held.document(
            request, key, lambda: live.tables.risk[variant].body(query, live.stamp)
        )
        return self._answers.serve(request, results, document, live.mark)

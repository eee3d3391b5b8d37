"""The most frequent requests, answered before the router: statistics by their usual paths."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from service_kit.documents import Document
from service_kit.endpoints import PREFIXES
from service_kit.ready_response import ReadyResponse
from service_kit.revision_headers import X_MIN_REVISION
from stats.answers import Answers
from stats.categories import CATEGORIES, CATEGORY_PARAMETER
from stats.domain.live_tables import RiskVariant
from stats.engine import StatsEngine
from stats.results import LiveResults
from stats.routes import paths

Pick = Callable[[LiveResults], Document]

LIVE: Final[Mapping[str, Pick]] = {
    paths.WITH_STATS: lambda live: live.with_stats,
    paths.DELETION_RISK: lambda live: live.risk[RiskVariant.PLAIN],
    paths.AUDIT: lambda live: live.risk[RiskVariant.PLAIN],
    paths.POPULAR: lambda live: live.popular,
}


@dataclass(frozen=True, slots=True)
class KnownPath:
    """Which answer of which category; without `pick` its statistics. `route` is the path template."""

    category: str
    pick: Pick | None
    route: str


class StatsShortcut:
    """Finds a document by the raw path. Whatever is unusual about a request is left to the router.

    Its answers are those of the routes.
    """

    def __init__(self, engine: StatsEngine) -> None:
        self._engine = engine
        self._answers = Answers(engine)
        self._paths = dict(_paths())

    def __call__(self, request: web.Request) -> ReadyResponse | None:
        """Return the answer, or None to ask the router."""
        known = self._paths.get(request.raw_path)
        results = self._engine.results
        if known is None or results is None or X_MIN_REVISION in request.headers:
            return None
        found = results.categories.get(known.category)
        if found is None:
            return None
        if known.pick is None:
            return self._answers.serve(request, results, found.statistics, route=known.route)
        live = found.live
        if live is None:
            return None
        return self._answers.serve(request, results, known.pick(live), live.mark, route=known.route)


def _paths() -> Iterator[tuple[str, KnownPath]]:
    for prefix in PREFIXES:
        for template, pick in ((paths.OF_CATEGORY, None), *LIVE.items()):
            for category in CATEGORIES:
                path = template.replace(f"{{{CATEGORY_PARAMETER}}}", category)
                yield prefix + path, KnownPath(category, pick, prefix + template)

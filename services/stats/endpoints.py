"""All endpoints of the statistics."""

from service_kit.endpoints import Endpoint
from stats.opening import StatsSide
from stats.routes.category import Statistics
from stats.routes.history import HistoryRoutes
from stats.routes.popular import Popular
from stats.routes.risk import Risk
from stats.routes.with_stats import WithStats


def stats_endpoints(side: StatsSide) -> tuple[Endpoint, ...]:
    """Return the endpoints that serve the statistics of one instance."""
    engine = side.engine
    return (
        *Risk(engine).endpoints(),
        *WithStats(engine).endpoints(),
        *HistoryRoutes(side.history, side.has_model).endpoints(),
        *Statistics(engine).endpoints(),
        *Popular(engine).endpoints(),
    )

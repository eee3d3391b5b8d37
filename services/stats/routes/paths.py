"""Where the statistics are (statistics.md section 1), and what all of their routes share."""

from typing import Final

from service_kit.problem_models import Problem
from stats.categories import CATEGORY_PARAMETER

STATISTICS: Final = "/model_references/statistics"
OF_CATEGORY: Final = f"{STATISTICS}/{{{CATEGORY_PARAMETER}}}"
WITH_STATS: Final = f"{OF_CATEGORY}/with-stats"
DELETION_RISK: Final = f"{OF_CATEGORY}/deletion-risk"
AUDIT: Final = f"{OF_CATEGORY}/audit"
"""The former name of deletion-risk, which web clients still use."""
PRESETS: Final = f"{STATISTICS}/deletion-risk/presets"
POPULAR: Final = f"/model_references/v2/{{{CATEGORY_PARAMETER}}}/popular"

TAG: Final = "v2: statistics"
LIVE_REFUSALS: Final = {400: Problem, 404: Problem, 502: Problem, 503: Problem}

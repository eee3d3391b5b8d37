"""The refusals that endpoints have in common, for the description of the API."""

from collections.abc import Mapping
from typing import Any, Final

from service_kit.problem_models import Invalid, Problem
from write_queue.responses import Refused

WITH_KEY: Final[Mapping[int, Any]] = {401: Problem, 429: Problem, 503: Problem}
"""Whatever needs a key."""

WITH_ROLE: Final[Mapping[int, Any]] = {**WITH_KEY, 403: Problem}
"""Whatever needs a role."""

WRITES: Final[Mapping[int, Any]] = {
    **WITH_ROLE,
    400: Problem,
    404: Problem,
    408: Problem,
    409: Refused,
    413: Problem,
    415: Problem,
    422: Invalid | Problem,
    507: Problem,
}
"""Whatever writes."""

V1: Final = "/model_references/v1"
V2: Final = "/model_references/v2"
QUEUES: Final = (f"{V1}/pending_queue", f"{V2}/pending_queue")

"""Usage and workers over time, for plots."""

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Protocol

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from service_kit.document_answers import document_answer
from service_kit.endpoints import Endpoint
from service_kit.errors import NotFound, RequestInvalid, RequestRefused
from service_kit.parameters import Parameters, parse_query, unknown_value
from service_kit.problem_models import Invalid, Problem
from stats.domain.runtime import KIND_OF_CATEGORY
from stats.history.object_names import DAY_SECONDS, floored
from stats.history.points import Step
from stats.history.reader import FoundHistory, Question

TAG: Final = "v2: statistics"
CATEGORY_PARAMETER: Final = "model_category_name"
CATEGORIES: Final = tuple(str(category) for category in MODEL_REFERENCE_CATEGORY)

USUAL_DAYS: Final = 7
MOST_DAYS: Final = {Step.HOUR: 31, Step.DAY: 400}  # points of an answer: 744 or 400
OLDEST: Final = 946_684_800  # 2000
NEWEST: Final = 4_102_444_800  # 2100


def parse_moment(given: object) -> object:
    """Return Unix seconds of a text: a number of them, or a time in ISO 8601, without an offset in UTC.

    Raises `PydanticCustomError`.
    """
    text = str(given).strip()
    try:
        seconds = float(text) if _is_number(text) else _seconds_of_iso(text)
    except ValueError as error:
        raise PydanticCustomError(
            "datetime_parsing", "Input should be a time in ISO 8601, or Unix seconds"
        ) from error
    if not OLDEST <= seconds <= NEWEST:
        raise PydanticCustomError("moment_range", "Input should lie in the years 2000 to 2099")
    return math.floor(seconds)


Moment = Annotated[
    int,
    BeforeValidator(parse_moment),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}]}),
]


class HistoryParameters(Parameters):
    """Of which model, from when until when."""

    model: str | None = Field(None, min_length=1, description="name of the model; none: the whole category")
    from_: Moment | None = Field(
        None, alias="from", description="the first moment, ISO 8601 or Unix seconds; none: 7 days before `to`"
    )
    to: Moment | None = Field(None, description="the moment before which the last point begins; none: now")
    step: Step = Field(Step.HOUR, description="how long the time of a point is; days are those of UTC")


class PastFigures(BaseModel):
    """Means and maxima are over the samples; of usage, what was told last. Null is what is not known."""

    thread_count_mean: float | None
    thread_count_max: int | None
    usage_day: int | None = Field(description="in the 24 hours before")
    usage_month: int | None = Field(description="in the 30 days before")
    usage_total: int | None


class PastPoint(PastFigures):
    """An hour or a day. The totals of a category have `models`, `unattributed_names`, `unattributed` too."""

    at: int = Field(description="when it began, in Unix seconds")
    samples: int = Field(description="how often the AI-Horde was asked")
    worker_count_mean: float | None
    worker_count_max: int | None
    models: int | None = Field(None, description="models of the reference")
    unattributed_names: int | None = Field(None, description="names of the AI-Horde that belong to no model")
    unattributed: PastFigures | None = Field(None, description="the figures under such names")


class UsageHistory(BaseModel):
    """Points in order. What is over and was not recorded is left out, as is what is not over."""

    category: str
    model: str | None
    from_: int = Field(alias="from")
    to: int
    step: Step
    points: list[PastPoint]


class HistorySource(Protocol):
    """Where answers come from: a `HistoryReader`."""

    async def answer(self, question: Question) -> FoundHistory:
        """Return the answer. Raises `ServiceError`s that can pass."""


class HistoryRoutes:
    """Serves the history of single models and of categories.

    `is_model(category, name)` tells whether there is such a model now; it raises `NotReady` while nothing is
    loaded. `clock` tells Unix seconds.
    """

    def __init__(
        self,
        reader: HistorySource,
        is_model: Callable[[str, str], bool],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._reader = reader
        self._is_model = is_model
        self._clock = clock

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoint."""
        yield Endpoint(
            f"/model_references/statistics/{{{CATEGORY_PARAMETER}}}/history",
            self.history,
            "Usage and workers over time",
            TAG,
            {200: UsageHistory, 400: Problem, 404: Problem, 422: Invalid, 503: Problem},
            query=HistoryParameters,
            description="Only of `image_generation` and `text_generation`. At most 31 days of hours or 400 "
            "of days. A model that does not exist any more has its history, too. Of a category, threads "
            "count once for each model that they serve, workers once in all.",
        )

    async def history(self, request: web.Request) -> web.StreamResponse:
        """Serve the points of a stretch of time."""
        category = request.match_info[CATEGORY_PARAMETER]
        _require_figures(category)
        question = _question(category, parse_query(HistoryParameters, request.query), self._clock())
        is_known = question.model is None or self._is_model(category, question.model)
        answer = await self._reader.answer(question)
        if not is_known and not answer.has_points:
            raise NotFound(f"no model '{question.model}' in '{category}', and nothing recorded of one then")
        return document_answer(request, answer.document)


def _require_figures(category: str) -> None:
    if category not in CATEGORIES:
        raise unknown_value(["path", CATEGORY_PARAMETER], category, CATEGORIES)
    if category not in KIND_OF_CATEGORY:
        raise RequestRefused(f"there are no live figures of '{category}'")


def _question(category: str, asked: HistoryParameters, now: float) -> Question:
    length = asked.step.seconds
    to = asked.to if asked.to is not None else math.ceil(now)
    since = asked.from_ if asked.from_ is not None else to - USUAL_DAYS * DAY_SECONDS
    if since >= to:
        raise _refused("value_error", "`from` should be before `to`", since)
    start, end = floored(since, length), floored(to + length - 1, length)
    most = MOST_DAYS[asked.step]
    if end - start > most * DAY_SECONDS:
        raise _refused("too_long", f"with step={asked.step} at most {most} days can be asked for", since)
    return Question(category, asked.model, start, end, asked.step)


def _refused(kind: str, text: str, given: Any) -> RequestInvalid:  # noqa: ANN401 - JSON
    return RequestInvalid([{"type": kind, "loc": ["query", "from"], "msg": text, "input": given}])


def _is_number(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").replace(".", "", 1).isdecimal() and len(text) > 8


def _seconds_of_iso(text: str) -> float:
    moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)  # "+" arrives as a blank
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()

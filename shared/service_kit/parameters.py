"""Query parameters and bodies, validated by pydantic models, with FastAPI's shape of problems."""

from collections.abc import Iterable
from functools import cache
from itertools import islice
from typing import Any, Final, TypeVar, get_origin

import orjson
from aiohttp import web
from multidict import MultiMapping
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from service_kit.errors import RequestInvalid
from service_kit.json_body import LARGEST_INTEGER, SMALLEST_INTEGER, read_json_as

MAX_PROBLEMS: Final = 100
MAX_INPUT_BYTES: Final = 10_000


class Parameters(BaseModel):
    """Query parameters. Unknown ones are ignored; of a repeated single one the last counts.

    Integers are those that JSON answers can repeat: of 64 bits.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    @field_validator("*")
    @classmethod
    def _fits_64_bits(cls, value: object) -> object:
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, int) and not SMALLEST_INTEGER <= one <= LARGEST_INTEGER:
                raise PydanticCustomError("int_parsing_size", "Input should be an integer of 64 bits")
        return value


SomeParameters = TypeVar("SomeParameters", bound=Parameters)
SomeBody = TypeVar("SomeBody", bound=BaseModel)


def parse_query(parameters: type[SomeParameters], query: MultiMapping[str]) -> SomeParameters:
    """Return the validated parameters. Raises `RequestInvalid`."""
    repeated = _repeated(parameters)
    given: dict[str, object] = {name: value for name, value in query.items() if name not in repeated}
    for name in repeated:
        if name in query:
            given[name] = query.getall(name)
    try:
        return parameters.model_validate(given)
    except ValidationError as error:
        raise RequestInvalid(list(_problems("query", error))) from error


async def parse_body(
    body: type[SomeBody], request: web.Request, *, any_content_type: bool = False
) -> SomeBody:
    """Return the validated JSON body. Raises what `json_body.read_json` raises."""

    def validate(value: object) -> SomeBody:
        return validate_body(body, value)

    return await read_json_as(request, validate, any_content_type=any_content_type)


def validate_body(body: type[SomeBody], value: object) -> SomeBody:
    """Return the model of a JSON value. Raises `RequestInvalid`, with the places below `body`."""
    try:
        return body.model_validate(value, from_attributes=True)
    except ValidationError as error:
        raise RequestInvalid(list(_problems("body", error))) from error


def unknown_value(location: list[str], given: str, known: Iterable[str]) -> RequestInvalid:
    """Return the error for a value outside of a known set; `location` is such as `["path", "category"]`."""
    quoted = [f"'{one}'" for one in known]
    expected = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    problem = {
        "type": "enum",
        "loc": location,
        "msg": f"Input should be {expected}",
        "input": given,
        "ctx": {"expected": expected},
    }
    return RequestInvalid([problem])


@cache
def _repeated(parameters: type[Parameters]) -> frozenset[str]:
    return frozenset(
        name for name, field in parameters.model_fields.items() if get_origin(field.annotation) is tuple
    )


def _problems(where: str, error: ValidationError) -> Iterable[dict[str, Any]]:
    for problem in islice(error.errors(include_url=False), MAX_PROBLEMS):
        is_missing = problem["type"] == "missing" and where == "query"
        shown = None if is_missing else _bounded(problem["input"])
        yield {**problem, "loc": [where, *problem["loc"]], "input": shown}


def _bounded(given: object) -> object:
    """Return what was given, or None where repeating it with every problem would take too much."""
    is_short = len(orjson.dumps(given, default=str, option=orjson.OPT_NON_STR_KEYS)) <= MAX_INPUT_BYTES
    return given if is_short else None

"""Query parameters and bodies, validated by pydantic models, with FastAPI's shape of problems."""

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar, get_origin

import orjson
from aiohttp import web
from multidict import MultiMapping
from pydantic import BaseModel, ConfigDict, ValidationError

from service_kit.errors import RequestInvalid


class Parameters(BaseModel):
    """Query parameters. Unknown ones are ignored; of a repeated single one the last counts."""

    model_config = ConfigDict(frozen=True, extra="ignore")


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


async def parse_body(body: type[SomeBody], request: web.Request) -> SomeBody:
    """Return the validated JSON body. Raises `RequestInvalid`."""
    raw = await request.read()
    try:
        value = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError as error:
        raise RequestInvalid([_not_json(error)]) from error
    if value is None:
        raise RequestInvalid([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}])
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
    for problem in error.errors(include_url=False):
        is_missing = problem["type"] == "missing" and where == "query"
        yield {**problem, "loc": [where, *problem["loc"]], "input": None if is_missing else problem["input"]}


def _not_json(error: orjson.JSONDecodeError) -> dict[str, Any]:
    return {
        "type": "json_invalid",
        "loc": ["body", error.pos],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": error.msg},
    }

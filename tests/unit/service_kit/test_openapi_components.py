"""What the description of the API says once and refers to."""

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.openapi import describe
from service_kit.openapi_components import share
from support.openapi_document import write_side
from support.openapi_references import looked_up

PROBLEM = {"$ref": "#/components/schemas/Problem"}
SCHEMAS = [
    PROBLEM,
    {"anyOf": [PROBLEM, {"$ref": "#/components/schemas/Invalid"}]},
    {"type": "array", "items": PROBLEM},
    {"type": "object", "additionalProperties": PROBLEM},
    {"type": "object", "additionalProperties": True},
    {"type": "string"},
    {},
]


def a_response(schema: Any, description: str = "x") -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def a_parameter(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


def an_operation(responses: dict[str, Any], *parameters: Any) -> dict[str, Any]:
    return {"responses": responses, "parameters": list(parameters)}


RESPONSES = st.builds(a_response, st.sampled_from(SCHEMAS), st.sampled_from(["a", "b"])) | st.just(
    {"description": "nothing"}
)
PARAMETERS = st.builds(a_parameter, st.sampled_from(["limit", "X-Y z", "$"]), type=st.sampled_from("ab"))
OPERATIONS = st.lists(
    st.builds(
        an_operation,
        st.dictionaries(st.sampled_from(["200", "404", "422"]), RESPONSES),
        PARAMETERS,
    ),
    max_size=8,
)


def whole(operation: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    document = {"components": components}
    responses = {status: looked_up(document, one) for status, one in operation["responses"].items()}
    return an_operation(responses, *(looked_up(document, one) for one in operation["parameters"]))


@given(operations=OPERATIONS)
def test_nothing_is_lost_and_nothing_is_said_twice(operations: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(operations)

    components = share(operations)

    assert [whole(one, components) for one in operations] == before
    left = [json.dumps(one) for each in operations for one in each["responses"].values() if "$ref" not in one]
    said = left + [json.dumps(one) for one in components["responses"].values()]
    assert len(said) == len(set(said))
    names = [name for section in components.values() for name in section]
    assert [name for name in names if not re.fullmatch(r"[A-Za-z0-9._-]+", name)] == []


@given(operations=OPERATIONS)
def test_it_comes_out_the_same_every_time(operations: list[dict[str, Any]]) -> None:
    copied = copy.deepcopy(operations)
    assert (share(operations), operations) == (share(copied), copied)


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        (SCHEMAS[0], "Problem404"),
        (SCHEMAS[1], "ProblemOrInvalid404"),
        (SCHEMAS[2], "ProblemList404"),
        (SCHEMAS[3], "ProblemMap404"),
        (SCHEMAS[4], "Object404"),
        (SCHEMAS[5], "String404"),
        (SCHEMAS[6], "Any404"),
    ],
)
def test_a_response_is_called_after_what_it_says(schema: Any, name: str) -> None:
    operations = [an_operation({"404": a_response(schema)}) for _ in range(2)]

    assert list(share(operations)["responses"]) == [name]
    assert operations[1]["responses"] == {"404": {"$ref": f"#/components/responses/{name}"}}


def test_what_would_have_one_name_is_numbered() -> None:
    operations = [an_operation({}, a_parameter("limit", maximum=size)) for size in (1, 2, 1, 2)]

    assert share(operations)["parameters"] == {
        "LimitQuery": a_parameter("limit", maximum=1),
        "LimitQuery_2": a_parameter("limit", maximum=2),
    }


def test_what_is_said_once_stays_where_it_is() -> None:
    operation = an_operation({"200": a_response({})}, a_parameter("limit"))

    assert share([operation]) == {"responses": {}, "parameters": {}}
    assert operation == an_operation({"200": a_response({})}, a_parameter("limit"))


def test_the_description_of_the_write_side_is_not_repeated() -> None:
    described = describe(write_side())
    operations = [one for methods in described["paths"].values() for one in methods.values()]
    said = [json.dumps(one) for each in operations for one in each["responses"].values() if "$ref" not in one]

    assert len(said) == len(set(said))
    assert {"Problem404", "Refused409"} <= set(described["components"]["responses"])
    assert "IdempotencyKeyHeader" in described["components"]["parameters"]

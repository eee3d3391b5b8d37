"""The description of the API as OpenAPI 3.1, made from the table of endpoints."""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from aiohttp import hdrs
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from service_kit.endpoints import Endpoint
from service_kit.openapi_components import share
from service_kit.parameters import Parameters
from service_kit.problem_models import Invalid, Problem
from service_kit.problems import JSON_TYPE
from service_kit.product_version import PRODUCT_VERSION

REF_TEMPLATE: Final = "#/components/schemas/{model}"
PATH_PARAMETER: Final = re.compile(r"\{([^{}]+)\}")

MIN_REVISION_PARAMETER: Final = {
    "name": "X-Min-Revision",
    "in": "header",
    "required": False,
    "schema": {"type": "integer", "minimum": 0},
    "description": "wait, for a limited time, until the instance serves this revision",
}
IDEMPOTENCY_KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "a name for the request: sent again within a day, it is answered as before",
}
SECURITY_SCHEME: Final = {
    "type": "apiKey",
    "in": "header",
    "name": "apikey",
    "description": "a key of the AI-Horde",
}
REVISION_HEADER: Final = {
    "description": "the revision of the catalogue that the answer was made from",
    "schema": {"type": "integer", "minimum": 0},
}

PHRASES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 calls them; Python does only from version 3.13 on."""

Schemas = Mapping[tuple[str, JsonSchemaMode], Mapping[str, Any]]


def describe(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI document of the endpoints that are meant to be described. Deterministic."""
    endpoints = [endpoint for endpoint in endpoints if endpoint.in_schema]
    schemas, definitions = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = paths.setdefault(endpoint.path, {})
        operation[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AI-Horde model reference",
            "version": PRODUCT_VERSION,
            "description": "The models of the AI-Horde: records in two formats, search, text tools.",
        },
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            **share(one for operations in paths.values() for one in operations.values()),
            "headers": {"Revision": REVISION_HEADER},
            "securitySchemes": {"apikey": SECURITY_SCHEME},
        },
    }


def _schemas(endpoints: Sequence[Endpoint]) -> tuple[Schemas, dict[str, Any]]:
    inputs: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = []
    for endpoint in endpoints:
        for status, content in _answers(endpoint).items():
            if content is not None:
                inputs.append((_key(endpoint, str(status)), "serialization", TypeAdapter(content)))
        if endpoint.body is not None:
            inputs.append((_key(endpoint, "body"), "validation", TypeAdapter(endpoint.body)))
    schemas, extra = TypeAdapter.json_schemas(inputs, ref_template=REF_TEMPLATE)
    definitions: dict[str, Any] = dict(extra.get("$defs", {}))
    for endpoint in endpoints:
        for name, definition in _query_schema(endpoint.query).get("$defs", {}).items():
            definitions.setdefault(name, definition)
    return schemas, definitions


def _answers(endpoint: Endpoint) -> Mapping[int, Any]:
    """Return the answers, with those to `X-Min-Revision` where that is looked at."""
    if endpoint.needs_key:
        return endpoint.answers
    given = endpoint.answers.get(HTTPStatus.UNPROCESSABLE_ENTITY, Invalid)
    return {
        **endpoint.answers,
        HTTPStatus.UNPROCESSABLE_ENTITY: given if given is Invalid else given | Invalid,
        HTTPStatus.SERVICE_UNAVAILABLE: Problem,
    }


def _key(endpoint: Endpoint, part: str) -> str:
    return f"{endpoint.method} {endpoint.path} {part}"


def _operation(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": _operation_id(endpoint),
        "tags": [endpoint.tag],
        "parameters": [
            *_path_parameters(endpoint),
            *_query_parameters(endpoint.query),
            *_header_parameters(endpoint),
        ],
        "responses": dict(_responses(endpoint, schemas)),
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if endpoint.needs_key:
        operation["security"] = [{"apikey": []}]
    if endpoint.body is not None:
        schema = schemas[(_key(endpoint, "body"), "validation")]
        operation["requestBody"] = {"required": True, "content": {JSON_TYPE: {"schema": schema}}}
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    words = re.findall(r"[A-Za-z0-9]+", endpoint.path) or ["root"]
    return "_".join([endpoint.method.lower(), *words])


def _path_parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for name in PATH_PARAMETER.findall(endpoint.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(parameters: type[Parameters] | None) -> Iterator[dict[str, Any]]:
    schema = _query_schema(parameters)
    required = schema.get("required", [])
    for name, one in schema.get("properties", {}).items():
        parameter = {"name": name, "in": "query", "required": name in required, "schema": one}
        if (description := one.pop("description", None)) is not None:
            parameter["description"] = description
        yield parameter


def _query_schema(parameters: type[Parameters] | None) -> dict[str, Any]:
    return {} if parameters is None else parameters.model_json_schema(ref_template=REF_TEMPLATE)


def _header_parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    if not endpoint.needs_key:
        yield MIN_REVISION_PARAMETER
    elif endpoint.method != hdrs.METH_GET:
        yield IDEMPOTENCY_KEY_PARAMETER


def _responses(endpoint: Endpoint, schemas: Schemas) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, content in _answers(endpoint).items():
        response: dict[str, Any] = {
            "description": PHRASES.get(status) or HTTPStatus(status).phrase,
            "headers": {"X-Revision": {"$ref": "#/components/headers/Revision"}},
        }
        if content is not None:
            schema = schemas[(_key(endpoint, str(status)), "serialization")]
            response["content"] = {JSON_TYPE: {"schema": schema}}
        elif status == HTTPStatus.OK:
            response["content"] = {endpoint.media_type: {"schema": {"type": "string"}}}
        yield str(status), response

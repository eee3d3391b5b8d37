"""Holds answers of the write side against the description of the API."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator

from service_kit.endpoints import Endpoint
from service_kit.openapi import describe
from support.openapi_document import write_side
from support.openapi_references import looked_up
from support.serving import Answer


def problems(method: str, path: str, answer: Answer) -> list[str]:
    """Return in what an answer differs from the description; nothing where no endpoint is described.

    `path` is that of the request, below the API.
    """
    endpoint = _endpoint("GET" if method == "HEAD" else method, path.partition("?")[0])
    if endpoint is None:
        return []
    status = str(answer.status)
    response = _response(endpoint.path, endpoint.method.lower(), status)
    if response is None:
        return [f"{method} {path}: the status {status} is not described: {answer.body[:200]!r}"]
    if method == "HEAD" or "content" not in response:
        return [f"{method} {path}: a body is not described"] if answer.body else []
    validator = _validator(endpoint.path, endpoint.method.lower(), status)
    errors = validator.iter_errors(json.loads(answer.body))
    return [f"{method} {path}: {status}: {error.json_path}: {error.message[:300]}" for error in errors][:3]


@cache
def _description() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(describe(write_side())))
    return document


def _response(path: str, method: str, status: str) -> dict[str, Any] | None:
    responses = _description()["paths"][path][method]["responses"]
    found: dict[str, Any] | None = looked_up(_description(), responses.get(status))
    return found


@cache
def _validator(path: str, method: str, status: str) -> Draft202012Validator:
    response = _response(path, method, status) or {}
    schema = response["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": _description()["components"]})


@cache
def _patterns() -> list[tuple[re.Pattern[str], Endpoint]]:
    return list(_compiled())


def _compiled() -> Iterator[tuple[re.Pattern[str], Endpoint]]:
    # as in the router, the longest path that is no parameter goes first
    endpoints = [endpoint for endpoint in write_side() if endpoint.in_schema]
    for endpoint in sorted(endpoints, key=lambda one: -len(one.path.partition("{")[0])):
        parts = re.split(r"\{([^{}]+)\}", endpoint.path)
        literal = [re.escape(part) for part in parts[::2]]
        variable = [f"({endpoint.patterns.get(name, '[^/]+')})" for name in parts[1::2]]
        pattern = "".join(part for pair in zip(literal, [*variable, ""], strict=True) for part in pair)
        yield re.compile(pattern), endpoint


def _endpoint(method: str, path: str) -> Endpoint | None:
    kept_slashes = unquote(path.replace("%2F", "%252F").replace("%2f", "%252F"))
    for pattern, endpoint in _patterns():
        if endpoint.method == method and pattern.fullmatch(kept_slashes):
            return endpoint
    return None

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import hdrs
from aiohttp.test_utils import make_mocked_request
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from yarl import URL

from support.contents import a_record, real_content
from support.histories import Past
from support.openapi_document import openapi_document, read_side
from support.openapi_references import looked_up
from support.read_clients import Client, Serve
from support.reference_data import REPOSITORY, SHARED, requires_shared
from support.served_pasts import served

OTHER_SERVICES = {"statistics", "horde", "auth"}


def route_templates(client: Client) -> Iterator[tuple[str, str]]:
    for route in client.app.router.routes():
        assert route.resource is not None
        yield route.method.lower(), route.resource.canonical


def served_cases() -> list[dict[str, Any]]:
    """The requests of the recorded cases to the endpoints of the read side."""
    lines = (SHARED / "contract/read_cases.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines if line.strip()]
    return [case for case in cases if case["group"] not in OTHER_SERVICES]


async def test_the_description_is_valid_openapi(client: Client) -> None:
    described = await (await client.get("/api/openapi.json")).json()

    assert described["openapi"].startswith("3.1")
    validate(described)


def test_the_description_is_what_the_endpoints_say() -> None:
    written = (REPOSITORY / "services" / "read_api" / "openapi.json").read_bytes()

    assert written == openapi_document(), "run `make docs`"


async def test_every_route_is_described_and_every_description_is_routed(client: Client) -> None:
    served = (await (await client.get("/api/openapi.json")).json())["paths"]
    documented = {(endpoint.method.lower(), endpoint.path) for endpoint in read_side()}
    assert documented <= {(method, path) for path, methods in served.items() for method in methods}
    routed = {(method, path) for method, path in route_templates(client) if method != "head"}

    for prefix in ("/api", ""):
        assert {(method, prefix + path) for method, path in documented} <= routed
    assert routed == {(m, prefix + path) for m, path in documented for prefix in ("/api", "")}


async def test_get_routes_answer_head(client: Client) -> None:
    templates = set(route_templates(client))

    assert {path for method, path in templates if method == "get"} == {
        path for method, path in templates if method == "head"
    }


@requires_shared
async def test_the_answers_to_all_recorded_requests_match_the_description(serve: Serve) -> None:
    client = await serve(real_content())
    described = await (await client.get("/api/openapi.json")).json()
    matcher = Matcher(client, described)
    cases = served_cases()

    problems = [problem for case in cases for problem in await matcher.problems(case["request"])]

    assert problems == []
    assert matcher.compared > 600


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/revisions", "/revisions?limit=1"),
        ("/revisions/{revision}", "/revisions/2"),
        ("/revisions/{revision}/entry", "/revisions/2/entry"),
        ("/clip/model/{model_name}/history", "/clip/model/a/history"),
        ("/diff", "/diff?from=1&to=2"),
        ("/changes", "/changes?since=0"),
        ("/bundle", "/bundle?include_v1=true"),
        ("/clip", "/clip?revision=1"),
    ],
)
async def test_answers_about_history_match_the_description(template: str, path: str) -> None:
    past = Past()
    await past.seed({"clip": {"a": a_record("clip", "a")}})
    await past.apply({"clip": {"a": a_record("clip", "a", description="better"), "b": a_record("clip", "b")}})
    async with served(past) as world:
        described = (await world.ask("/api/openapi.json")).json
        answer = await world.get(path)

    operation = described["paths"][f"/model_references/v2{template}"]["get"]
    response = looked_up(described, operation["responses"]["200"])
    schema = response["content"]["application/json"]["schema"]
    errors = Draft202012Validator({**schema, "components": described["components"]}).iter_errors(answer)
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []


class Matcher:
    """Sends a recorded request and holds the answer against its operation in the description."""

    def __init__(self, client: Client, described: dict[str, Any]) -> None:
        self._client = client
        self._described = described
        self._validators: dict[str, Draft202012Validator] = {}
        self.compared = 0

    async def problems(self, request: dict[str, Any]) -> list[str]:
        """Return what is wrong with the answer; nothing where the router knows no operation."""
        method = request.get("method", "GET")
        url = URL(f"/api{request['path']}", encoded=True).extend_query(request.get("query") or [])
        body = json.dumps(request["json"]).encode() if "json" in request else request.get("body")
        answer = await self._client.request(
            method, url, data=body, headers=request.get("headers"), allow_redirects=False
        )
        operation = await self._operation(method, url)
        if operation is None:
            return (
                [] if answer.status in {307, 404, 405} else [f"{url}: {answer.status} without an operation"]
            )
        response = looked_up(self._described, operation["responses"].get(str(answer.status)))
        if response is None:
            return [f"{url}: the status {answer.status} is not described"]
        schema = response["content"].get("application/json", {}).get("schema")
        if schema is None or method == hdrs.METH_HEAD:
            return []
        self.compared += 1
        errors = self._validator(schema).iter_errors(await answer.json())
        return [f"{url}: {answer.status}: {error.json_path}: {error.message[:200]}" for error in errors][:3]

    async def _operation(self, method: str, url: URL) -> dict[str, Any] | None:
        found = await self._client.app.router.resolve(make_mocked_request(method, str(url)))
        if found.http_exception is not None or found.route.resource is None:
            return None
        methods = self._described["paths"][found.route.resource.canonical.removeprefix("/api")]
        operation: dict[str, Any] = methods["get" if method == hdrs.METH_HEAD else method.lower()]
        return operation

    def _validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {**schema, "components": self._described["components"]}
            self._validators[key] = Draft202012Validator(whole)
        return self._validators[key]


@pytest.mark.parametrize("path", ["/api/docs", "/docs"])
async def test_the_documentation_page_needs_nothing_from_elsewhere(client: Client, path: str) -> None:
    answer = await client.get(path)
    page = await answer.text()

    assert answer.content_type == "text/html"
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for part in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js", "favicon-32x32.png"):
        assert f"docs/{part}" in page
        assert (await client.get(f"{path}/{part}")).status == 200


async def test_the_documentation_has_a_second_address(client: Client) -> None:
    answer = await client.get("/api/redoc", allow_redirects=False)

    assert answer.status == 200
    assert answer.content_type == "text/html"
    assert await answer.read() == await (await client.get("/api/docs")).read()

"""Which service a request reaches through the gateway, and in which form."""

import asyncio
import re

import pytest

from service_kit.endpoints import PREFIXES, Endpoint
from support.gateways import V1, V2, gateway
from support.openapi_document import read_side, stats_side, write_side

READS = [
    ("GET", f"{V2}/clip"),
    ("HEAD", f"{V2}/clip"),
    ("GET", f"{V1}/stable_diffusion.json"),
    ("GET", "/model_references/v2/clip/model/ViT-L%2F14"),
    ("GET", f"{V2}/clip/model/pending"),
    ("GET", f"{V2}/search?q=pending_queue"),
    ("GET", f"{V2}/revisions/3"),
    ("GET", "/api/heartbeat"),
    ("GET", "/"),
    ("POST", f"{V2}/text_generation/compose_name"),
    ("POST", "/model_references/v2/text_generation/compose_name?x=1"),
    ("POST", "/api/heartbeat"),
    ("DELETE", "/docs"),
    ("POST", f"{V2}/info"),
    ("POST", f"{V1}/stable_diffusion"),
    ("POST", f"{V2}/no_such_category"),
    ("PUT", f"{V2}/search"),
    ("DELETE", f"{V2}/revisions/3"),
]
WRITES = [
    ("GET", f"{V2}/pending_queue/changes?limit=5"),
    ("GET", f"{V1}/pending_queue/changes/3/diff"),
    ("HEAD", f"{V2}/pending_queue/diffs"),
    ("GET", "/model_references/v1/pending_queue/audit/batches"),
    ("GET", f"{V2}/me/roles"),
    ("GET", f"{V2}/clip/pending"),
    ("GET", "/model_references/v2/text_generation/pending?x=1"),
    ("POST", f"{V2}/clip"),
    ("POST", f"{V2}/clip/add"),
    ("PUT", f"{V2}/clip/model/ViT-L%2F14"),
    ("DELETE", f"{V1}/clip/Some%20model"),
    ("PATCH", f"{V2}/pending_queue/changes/3"),
    ("POST", f"{V2}/revisions/3/rollback"),
    ("PUT", f"{V2}/text_generation/aliases/compose_name"),
]
STATISTICS = [
    ("GET", f"{V2}/image_generation/popular"),
    ("HEAD", f"{V2}/image_generation/popular?limit=3"),
    ("GET", "/model_references/v2/text_generation/popular/"),
    ("GET", "/api/model_references/statistics/text_generation"),
    ("HEAD", "/api/model_references/statistics/text_generation?limit=5"),
    ("GET", "/model_references/statistics/image_generation/deletion-risk?preset=critical"),
    ("GET", "/api/model_references/statistics/deletion-risk/presets"),
    ("GET", "/api/model_references/statistics/text_generation/history?model=a%2Fb"),
    ("POST", "/api/model_references/statistics/text_generation"),
    ("PUT", f"{V2}/image_generation/popular"),
    ("GET", "/api/model_references/statistics"),
]
NO_STATISTICS = [
    ("GET", f"{V2}/popular"),
    ("GET", f"{V2}/clip/model/popular"),
    ("GET", f"{V2}/search?q=/popular"),
    ("GET", f"{V1}/clip/popular"),
    ("GET", "/api/model_references/statistics_of_something"),
]


@pytest.mark.parametrize(
    ("expected", "requests"),
    [("read-0", [*READS, *NO_STATISTICS]), ("write-0", WRITES), ("stats-0", STATISTICS)],
)
async def test_requests_reach_the_service_that_answers_them(
    expected: str, requests: list[tuple[str, str]]
) -> None:
    async with gateway() as running:
        answers = [(await running.send(method, path)).headers["X-From"] for method, path in requests]
    wrong = [request for request, server in zip(requests, answers, strict=True) if server != expected]
    assert wrong == []


def examples(endpoints: tuple[Endpoint, ...]) -> list[tuple[str, str]]:
    """Return a request for every endpoint, with and without `/api`."""
    return [
        (endpoint.method, prefix + re.sub(r"\{[^}]+\}", "Some%2Fname", endpoint.path))
        for endpoint in endpoints
        for prefix in PREFIXES
    ]


@pytest.mark.parametrize(
    ("expected", "endpoints"),
    [("read-0", read_side()), ("write-0", write_side()), ("stats-0", stats_side())],
)
async def test_every_endpoint_of_a_service_is_reached(expected: str, endpoints: tuple[Endpoint, ...]) -> None:
    async with gateway() as running:
        for method, path in examples(endpoints):
            answer = await running.send(method, path)
            assert (method, path, answer.headers["X-From"]) == (method, path, expected)


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_raw_path_goes_through_as_it_came(method: str) -> None:
    paths = [
        f"{V2}/clip/model/ViT-L%2F14",
        f"{V2}/clip/model/a%252Fb",
        f"{V2}/clip/model//x///y",
        f"{V2}/clip/model/AlbedoBase%20XL%20(SDXL)+1;2",
        f"{V2}/clip/model/%c3%a9%E2%82%AC",
        f"{V2}/clip/model/x/../y?a=%2F&b=+&b=//",
        f"{V2}/clip/model/%2e%2e%2f%2e%2e",
    ]
    async with gateway() as running:
        for path in paths:
            assert (await running.send(method, path)).status == 200
        server = running.reads[0] if method == "GET" else running.writes[0]
        assert server.paths == paths


@pytest.mark.parametrize(
    ("asked", "expected"), [("GET", "read-0"), ("PUT", "write-0"), ("DELETE", "write-0")]
)
async def test_preflight_is_answered_by_the_service_of_its_request(asked: str, expected: str) -> None:
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": asked}
    async with gateway() as running:
        answer = await running.send("OPTIONS", f"{V2}/clip/model/x", headers)
    assert answer.headers["X-From"] == expected


async def test_address_of_the_client_replaces_what_it_claims() -> None:
    async with gateway() as running:
        await running.get(f"{V2}/clip", X_Forwarded_For="1.2.3.4, 5.6.7.8", Forwarded="for=1.2.3.4")
        headers = running.reads[0].seen[0].headers
    assert headers.getall("X-Forwarded-For") == ["127.0.0.1"]
    assert "Forwarded" not in headers


async def test_empty_key_is_no_key() -> None:
    async with gateway() as running:
        await running.get(f"{V2}/clip", apikey="")
        assert "apikey" not in running.reads[0].seen[0].headers


async def test_request_id_is_made_or_passed_on() -> None:
    async with gateway() as running:
        made = await running.get(f"{V2}/clip/model/a")
        kept = await running.get(f"{V2}/clip/model/b", X_Request_ID="mine-1")
        odd = await running.get(f"{V2}/clip/model/c", X_Request_ID="not {sane}")
        ids = [request.headers["X-Request-ID"] for request in running.reads[0].seen]
    assert ids == [answer.headers["X-Request-ID"] for answer in (made, kept, odd)]
    assert ids[1] == "mine-1"
    assert len({*ids, "not {sane}"}) == 4


async def test_headers_and_body_of_a_write_arrive_whole() -> None:
    body = b'{"name":"x"}' * 5000
    headers = {"apikey": "secret", "Idempotency-Key": "once", "Content-Type": "application/json"}
    async with gateway() as running:
        await running.send("POST", f"{V2}/clip", headers, data=body)
        seen = running.writes[0].seen[0]
    assert seen.body == body
    assert {name: seen.headers[name] for name in headers} == headers


async def test_many_clients_at_once_are_all_answered() -> None:
    async with gateway(reads=2) as running:
        answers = await asyncio.gather(*(running.get(f"{V2}/clip/model/{n}") for n in range(200)))
    assert {answer.status for answer in answers} == {200}

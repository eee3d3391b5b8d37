"""Every answer of an application: error shape, request id, CORS, limits, redirects, metrics, access log."""

import logging
import re
from collections.abc import AsyncIterator

import pytest

from support.serving import Answer, Client, serving
from support.some_service import INVALID, OTHER, OURS, THING, SomeService

KEY = {"apikey": "s3cr3t-k3y"}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving(SomeService().application) as client:
        yield client


def is_dressed(answer: Answer) -> bool:
    headers = answer.headers
    return (
        headers.get("Access-Control-Allow-Origin") == "*"
        and "Origin" in headers["Vary"]
        and headers["X-Revision"] == "7"
        and bool(headers["X-Request-ID"])
    )


@pytest.mark.parametrize(
    ("kind", "status", "detail"),
    [
        ("missing", 404, "no model 'x' in 'clip'"),
        ("refused", 400, "bad value"),
        ("invalid", 422, INVALID),
        ("unknown", 422, "unknown category 'x'"),
        ("taken", 409, "taken"),
        ("not-ready", 503, "nothing is loaded yet"),
        ("store-down", 503, "the store does not answer"),
        ("full", 507, "no room"),
        ("plain", 500, "said aloud"),
        ("bug", 500, "internal error"),
        ("slow", 500, "internal error"),
        ("http", 403, "Forbidden"),
    ],
)
async def test_error_of_a_handler_becomes_the_one_shape(
    client: Client, kind: str, status: int, detail: object
) -> None:
    answer = await client.ask(f"/api/fails/{kind}")
    assert (answer.status, answer.json) == (status, {"detail": detail})
    assert answer.headers["Content-Type"] == "application/json"
    assert ("Retry-After" in answer.headers) == (status in {503, 507})
    assert is_dressed(answer)


@pytest.mark.parametrize("path", ["/api/fails/missing", "/api/fails/bug", "/api/nothing"])
async def test_errors_are_kept_by_no_cache(client: Client, path: str) -> None:
    assert (await client.ask(path)).headers["Cache-Control"] == "no-store"


async def test_unknown_path_is_a_404_in_json(client: Client) -> None:
    answer = await client.ask("/api/nothing")
    assert (answer.status, answer.json) == (404, {"detail": "Not Found"})
    assert is_dressed(answer)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_wrong_method_is_a_405_in_json_with_allow(client: Client, method: str) -> None:
    answer = await client.ask("/api/things", method)
    assert (answer.status, answer.json) == (405, {"detail": "Method Not Allowed"})
    assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}
    assert is_dressed(answer)


async def test_redirect_of_a_handler_is_passed_on_and_dressed(client: Client) -> None:
    answer = await client.ask("/api/fails/redirect")
    assert (answer.status, answer.headers["Location"]) == (302, "/api/things")
    assert is_dressed(answer)


@pytest.mark.parametrize("path", ["/api/things", "/api/ready", "/api/nothing", "/api/fails/redirect"])
async def test_no_answer_tells_what_the_service_runs_on(client: Client, path: str) -> None:
    assert (await client.ask(path)).headers["Server"] == "horde-model-reference"


async def test_head_is_like_get_without_the_body(client: Client) -> None:
    full, head = await client.ask("/api/things"), await client.ask("/api/things", "HEAD")
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "Vary", "Access-Control-Allow-Origin"):
        assert head.headers[name] == full.headers[name]


async def test_ids_of_requests_are_made_and_differ(client: Client) -> None:
    ids = {(await client.ask("/api/things")).headers["X-Request-ID"] for _ in range(5)}
    assert len(ids) == 5


@pytest.mark.parametrize("path", ["/api/things", "/api/nothing", "/api/fails/bug"])
async def test_id_given_by_the_client_is_kept(client: Client, path: str) -> None:
    answer = await client.ask(path, headers={"X-Request-ID": "gateway:0-1/a"})
    assert answer.headers["X-Request-ID"] == "gateway:0-1/a"


@pytest.mark.parametrize("given", ["", "x" * 129, 'a"b', "a b", "<script>", "\u00e4"])
async def test_id_that_is_not_sane_is_replaced(client: Client, given: str) -> None:
    answer = await client.ask("/api/things", headers={"X-Request-ID": given})
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]+", answer.headers["X-Request-ID"])


@pytest.mark.parametrize("path", ["/api/things", "/api/nothing", "/api/fails/missing", "/api/fails/bug"])
@pytest.mark.parametrize(
    ("headers", "allowed"),
    [({}, "*"), ({"Origin": OTHER}, "*"), ({"Origin": OURS, **KEY}, OURS), ({"Origin": OTHER, **KEY}, None)],
)
async def test_cors_headers_are_on_every_answer(
    client: Client, path: str, headers: dict[str, str], allowed: str | None
) -> None:
    answer = await client.ask(path, headers=headers)
    assert answer.headers.get("Access-Control-Allow-Origin") == allowed
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_vary_of_a_handler_is_kept(client: Client) -> None:
    assert (await client.ask("/api/things")).headers["Vary"] == "Accept-Encoding, Origin"


@pytest.mark.parametrize("path", ["/api/things", "/api/nothing", "/", "/api/fails/bug"])
async def test_preflight_succeeds_on_every_path(client: Client, path: str) -> None:
    asked = {
        "Origin": OURS,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "apikey,content-type",
    }
    answer = await client.ask(path, "OPTIONS", headers=asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("/api/things/", "/api/things"),
        ("/api/things/?a=1&b=%2F", "/api/things?a=1&b=%2F"),
        ("/api/things//", "/api/things"),
        ("/api/things/a%2Fb/parts/", "/api/things/a%2Fb/parts"),
        ("/api", "/api/"),
        ("/api?a=1", "/api/?a=1"),
    ],
)
async def test_superfluous_or_missing_slash_is_redirected_with_the_query(
    client: Client, asked: str, location: str
) -> None:
    answer = await client.ask(asked)
    assert (answer.status, answer.headers["Location"]) == (307, location)
    assert is_dressed(answer)


async def test_redirect_keeps_the_method_for_post(client: Client) -> None:
    answer = await client.ask("/api/things/", "POST", data=b"abc", allow_redirects=True)
    assert answer.body == b"3"


@pytest.mark.parametrize("path", ["/api/nothing/", "/nothing", "//evil.example/api/things/", "//api/things/"])
async def test_path_that_leads_nowhere_either_way_is_not_redirected(client: Client, path: str) -> None:
    assert (await client.ask(path)).status == 404


async def test_body_up_to_the_limit_is_read() -> None:
    async with serving(SomeService(max_body_bytes=1000).application) as client:
        answer = await client.ask("/api/things", "POST", data=b"x" * 1000)
    assert answer.body == b"1000"


async def test_announced_body_above_the_limit_is_a_413_and_closes_the_connection() -> None:
    async with serving(SomeService(max_body_bytes=1000).application) as client:
        answer = await client.ask("/api/things", "POST", data=b"x" * 1001)
    assert (answer.status, answer.json) == (413, {"detail": "the request body is too large"})
    assert answer.headers["Connection"] == "close"
    assert is_dressed(answer)


async def test_body_above_the_limit_in_pieces_is_a_413() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 500

    async with serving(SomeService(max_body_bytes=1000).application) as client:
        answer = await client.ask("/api/things", "POST", data=pieces())
    assert (answer.status, answer.json) == (413, {"detail": "the request body is too large"})


async def test_header_above_the_limit_is_refused_with_400() -> None:
    async with serving(SomeService(max_header_bytes=1024).application) as client:
        assert (await client.ask("/api/things", headers={"X-Long": "x" * 2000})).status == 400


async def test_access_log_has_one_line_for_each_request() -> None:
    service = SomeService()
    async with serving(service.application) as client:
        await client.ask("/api/things?q=1", headers={"User-Agent": "tests", "X-Request-ID": "r1"})
        await client.ask("/api/nothing")
        await client.ask("/api/fails/bug")
    first, second, third = service.lines()
    expected = {
        "log": "access",
        "method": "GET",
        "path": "/api/things?q=1",
        "status": 200,
        "remote": "127.0.0.1",
        "agent": "tests",
        "request_id": "r1",
    }
    assert first.items() >= expected.items()
    assert first["bytes"] > len(THING)
    assert 0 < first["microseconds"] < 10_000_000
    assert [second["status"], third["status"]] == [404, 500]


async def test_key_is_logged_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    service = SomeService()
    with caplog.at_level(logging.DEBUG):
        async with serving(service.application) as client:
            await client.ask("/api/things?apikey=s3cr3t-k3y", headers=KEY)
            await client.ask("/api/fails/bug?apikey=s3cr3t-k3y", headers=KEY)
    assert len(service.lines()) == 2
    assert b"s3cr3t-k3y" not in service.access_log.getvalue()
    assert "s3cr3t-k3y" not in caplog.text


async def test_access_log_can_be_switched_off() -> None:
    service = SomeService(access_log=False)
    async with serving(service.application) as client:
        assert (await client.ask("/api/things")).status == 200
    assert service.lines() == []


async def test_unhandled_error_is_logged_with_trace_and_request_id(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.ask("/api/fails/bug")
    (record,) = [record for record in caplog.records if "unhandled" in record.message]
    assert answer.headers["X-Request-ID"] in record.message
    assert record.exc_info


async def test_expected_outage_is_logged_without_a_trace(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    await client.ask("/api/fails/store-down")
    (record,) = [record for record in caplog.records if "does not answer" in record.message]
    assert not record.exc_info


async def test_metrics_count_by_route_template_and_not_by_path() -> None:
    service = SomeService()
    async with serving(service.application) as client:
        for path in ("/api/fails/missing", "/api/fails/taken", "/random-1", "/random-2"):
            await client.ask(path)
    text = service.telemetry.render().decode()
    count = "http_request_duration_seconds_count"
    assert f'{count}{{method="GET",route="/api/fails/{{kind}}",service="test",status="404"}} 1.0' in text
    assert f'{count}{{method="GET",route="/api/fails/{{kind}}",service="test",status="409"}} 1.0' in text
    assert f'{count}{{method="GET",route="(unmatched)",service="test",status="404"}} 2.0' in text
    assert "random" not in text


async def test_bytes_that_are_not_http_are_answered_and_counted() -> None:
    service = SomeService()
    async with serving(service.application) as client:
        assert (await client.send(b"NONSENSE\r\n\r\n")).startswith(b"HTTP/1.0 400")
    assert 'method="(invalid)"' in service.telemetry.render().decode()


async def test_agent_that_is_not_utf8_is_logged_printable() -> None:
    service = SomeService()
    request = b"GET /api/things HTTP/1.1\r\nHost: x\r\nUser-Agent: caf\xe9\r\nConnection: close\r\n\r\n"
    async with serving(service.application) as client:
        assert (await client.send(request)).startswith(b"HTTP/1.1 200")
    assert service.lines()[0]["agent"] == "caf?"


async def test_two_applications_in_one_process_do_not_see_each_other() -> None:
    one, other = SomeService(), SomeService(cors_open_reads=False)
    async with serving(one.application) as client, serving(other.application) as other_client:
        await client.ask("/api/things")
        answer = await other_client.ask("/api/nothing")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert [line["status"] for line in one.lines()] == [200]
    assert [line["status"] for line in other.lines()] == [404]

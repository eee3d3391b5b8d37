"""Ready responses are what aiohttp's own would be, with and without the shortcut around the router."""

from collections.abc import AsyncIterator

import pytest

from service_kit.ready_head import ReadyHead, header_lines
from support.serving import Client, serving
from support.some_service import LARGE_THING, OTHER, OURS, READY, THING, SomeService


@pytest.fixture(params=[False, True], ids=["router", "shortcut"])
def service(request: pytest.FixtureRequest) -> SomeService:
    return SomeService(shortcut=request.param)


@pytest.fixture
async def client(service: SomeService) -> AsyncIterator[Client]:
    async with serving(service.application) as client:
        yield client


@pytest.mark.parametrize(("path", "body"), [("/api/ready", THING), ("/api/large", LARGE_THING)])
async def test_body_arrives_whole_again_and_again_on_one_connection(
    client: Client, path: str, body: bytes
) -> None:
    for _ in range(5):
        answer = await client.ask(path)
        assert (answer.status, answer.body) == (200, body)
        assert answer.headers["Content-Length"] == str(len(body))


async def test_headers_are_complete_and_none_comes_twice(client: Client) -> None:
    answer = await client.ask("/api/ready", headers={"X-Request-ID": "r1"})
    names = [name.lower() for name in answer.headers]
    assert len(names) == len(set(names))
    expected = {
        "Content-Type": "application/json",
        "ETag": '"1"',
        "Vary": "Origin",
        "X-Revision": "7",
        "X-Request-ID": "r1",
        "Access-Control-Allow-Origin": "*",
    }
    assert {name: answer.headers[name] for name in expected} == expected
    assert answer.headers["Date"].endswith("GMT")


@pytest.mark.parametrize("path", READY)
async def test_head_has_the_headers_of_get_and_no_body(client: Client, path: str) -> None:
    full, head = await client.ask(path), await client.ask(path, "HEAD")
    assert (head.status, head.body) == (full.status, b"")
    assert head.headers.get("Content-Length") == full.headers.get("Content-Length")


async def test_304_has_no_body_and_no_length(client: Client) -> None:
    answer = await client.ask("/api/unchanged")
    assert (answer.status, answer.body) == (304, b"")
    assert "Content-Length" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding, Origin"


@pytest.mark.parametrize(("origin", "allowed"), [(OURS, OURS), (OTHER, None)])
async def test_request_with_a_key_gets_the_headers_of_its_origin(
    client: Client, origin: str, allowed: str | None
) -> None:
    answer = await client.ask("/api/ready", headers={"Origin": origin, "apikey": "k"})
    assert answer.headers.get("Access-Control-Allow-Origin") == allowed
    assert answer.body == THING


@pytest.mark.parametrize(
    ("request_head", "first_line", "connection"),
    [
        (
            b"GET /api/ready HTTP/1.1\r\nHost: x\r\nConnection: close",
            b"HTTP/1.1 200 OK",
            b"Connection: close",
        ),
        (b"GET /api/ready HTTP/1.0\r\nHost: x", b"HTTP/1.0 200 OK", b""),
    ],
)
async def test_client_that_closes_gets_everything_once_and_the_end(
    client: Client, request_head: bytes, first_line: bytes, connection: bytes
) -> None:
    head, _, body = (await client.send(request_head + b"\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith(first_line)
    assert connection in head
    assert body == THING
    for name in (b"X-Request-ID", b"X-Revision", b"Content-Length", b"Access-Control-Allow-Origin", b"Date"):
        assert head.count(name + b": ") == 1


async def test_requests_sent_without_waiting_are_answered_in_order(client: Client) -> None:
    one = b"GET /api/ready HTTP/1.1\r\nHost: x\r\nX-Request-ID: r%d\r\n\r\n"
    last = b"GET /api/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = await client.send(b"".join(one % number for number in range(20)) + last)
    assert received.count(THING) == 21
    places = [received.index(b"X-Request-ID: r%d\r\n" % number) for number in range(20)]
    assert places == sorted(places)


async def test_it_is_logged_and_counted_like_any_other(service: SomeService) -> None:
    async with serving(service.application) as client:
        await client.ask("/api/ready", headers={"X-Request-ID": "r1"})
        await client.ask("/api/unchanged")
    first, second = service.lines()
    assert (first["status"], first["path"], first["request_id"]) == (200, "/api/ready", "r1")
    assert first["bytes"] > len(THING)
    assert second["status"] == 304
    metrics = service.telemetry.render().decode()
    count = 'http_request_duration_seconds_count{method="GET",route="/api/ready",service="test",status="200"}'
    assert f"{count} 1.0" in metrics


async def test_other_paths_and_methods_take_the_usual_way(client: Client) -> None:
    assert (await client.ask("/api/ready", "POST")).status == 405
    assert (await client.ask("/api/ready/")).status == 307
    assert (await client.ask("/api/nothing")).status == 404


async def test_large_body_to_a_slow_reader_arrives_whole(client: Client) -> None:
    request = b"GET /api/large HTTP/1.1\r\nHost: x\r\n\r\n" * 200
    last = b"GET /api/large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = await client.send(request + last, pause_seconds=0.3)
    assert received.count(LARGE_THING) == 201


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\nb", "a\rb", "a\0b"])
def test_header_that_would_inject_another_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        header_lines({"X-Name": value})
    with pytest.raises(ValueError, match="control character"):
        ReadyHead(200, {"ETag": value}, 0)

"""The gateway's own answers: errors a browser page can read, limits, health; and the stream of events."""

import asyncio
import json

import pytest
from aiohttp import web

from support.gateways import HASTY, V2, Reply, gateway

CLIP = f"{V2}/clip"


def assert_is_readable_problem(answer: Reply, status: int) -> None:
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    assert list(json.loads(answer.body)) == ["detail"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.headers["Vary"] == "Origin"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", CLIP), ("GET", f"{V2}/me/roles"), ("PUT", f"{CLIP}/model/x")]
)
async def test_nobody_behind_the_gateway_is_a_readable_502(method: str, path: str) -> None:
    async with gateway() as running:
        await running.reads[0].stop()
        await running.writes[0].stop()
        for _ in range(2):  # the second time nobody is even asked
            answer = await running.send(method, path, {"Origin": "https://a.example", "apikey": "k"})
            assert_is_readable_problem(answer, 502)
            assert answer.headers["Retry-After"] == "1"


async def test_no_answer_in_time_is_a_readable_504() -> None:
    async with gateway(**HASTY) as running:
        running.reads[0].hang = True
        assert_is_readable_problem(await running.get(CLIP), 504)


async def test_gateway_without_write_service_is_a_readable_502() -> None:
    async with gateway(writes=0) as running:
        assert_is_readable_problem(await running.send("POST", CLIP, data=b"{}"), 502)


async def test_body_over_the_limit_is_refused_before_it_reaches_a_service() -> None:
    async with gateway(max_body_bytes=10_000) as running:
        assert (await running.send("POST", CLIP, data=b"x" * 10_000)).status == 200
        assert_is_readable_problem(await running.send("POST", CLIP, data=b"x" * 10_001), 413)
        assert len(running.writes[0].seen) == 1


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", b"400"),
    ],
)
async def test_request_that_cannot_be_understood_is_a_readable_error(
    request_bytes: bytes, status: bytes
) -> None:
    async with gateway() as running:
        answer = await running.raw(request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == status
    assert b"Access-Control-Allow-Origin: *" in head
    assert list(json.loads(body)) == ["detail"]


async def test_clients_that_send_too_slowly_are_cut_off() -> None:
    async with gateway(**HASTY) as running:
        headers, body = await asyncio.gather(
            running.raw(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "),
            running.raw(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"),
        )
        assert (headers, body) == (b"", b"")
        assert running.reads[0].seen == []


async def test_metrics_of_an_instance_are_not_shown_outside() -> None:
    async with gateway() as running:
        assert_is_readable_problem(await running.get("/metrics"), 404)
        assert running.reads[0].seen == []


async def test_gateway_tells_that_it_lives_whatever_is_behind_it() -> None:
    async with gateway() as running:
        await running.reads[0].stop()
        answer = await running.get("/gateway/health")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "alive"})


async def test_events_arrive_as_they_are_sent_and_for_each_listener() -> None:
    proceed = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"id: 8\n\n")
        await proceed.wait()
        await response.write(b"id: 9\n\n")
        return response

    async with gateway() as running:
        running.reads[0].answer = stream
        url = running.url + f"{V2}/events"
        async with (
            running.session.get(url, headers={"Last-Event-ID": "7"}) as first,
            running.session.get(url) as second,
        ):
            for listener in (first, second):
                assert await asyncio.wait_for(listener.content.readexactly(7), 30) == b"id: 8\n\n"
            proceed.set()
            for listener in (first, second):
                assert await asyncio.wait_for(listener.content.read(), 30) == b"id: 9\n\n"
        seen = running.reads[0].seen
        assert [request.headers.get("Last-Event-ID") for request in seen] == ["7", None]


async def test_redirects_stay_relative() -> None:
    async with gateway() as running:
        running.reads[0].status = 307
        running.reads[0].headers["Location"] = f"{V2}/clip"
        answer = await running.get(f"{V2}/clip/")
    assert (answer.status, answer.headers["Location"]) == (307, f"{V2}/clip")

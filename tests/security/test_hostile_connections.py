"""Connections that are slow, idle, too many, or try to smuggle one request inside another."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from support.attackers import V2, Attacker, head, with_body
from support.service_nodes import ServiceNode
from support.serving import LOOPBACK

SLOW_SECONDS = 1.0  # what the process gives a head and a body, by its settings
SLACK_SECONDS = 20.0
NO_WAIT_SECONDS = 8.0
"""Who would have to wait for a hundred slow ones, one after the other, waits for a hundred seconds."""

IDLE_CONNECTIONS = 2000
HEARTBEAT = head("GET", "/api/heartbeat", key="", close=False)
LAST = head("GET", "/api/heartbeat", key="")
JSON_LINE = "Content-Type: application/json"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connections(node: ServiceNode, count: int) -> AsyncIterator[list[Connection]]:
    opened: list[Connection] = []
    try:
        while len(opened) < count:
            opened += [await asyncio.open_connection(LOOPBACK, node.port)]
        yield opened
    finally:
        for _, writer in opened:
            writer.close()


async def drip(connection: Connection, start: bytes, piece: bytes) -> float:
    """Send the start, then a piece now and then; return after how many seconds the server had enough."""
    reader, writer = connection
    started = time.monotonic()
    writer.write(start)
    ending = asyncio.ensure_future(reader.read())
    while not ending.done() and time.monotonic() - started < SLOW_SECONDS + SLACK_SECONDS:
        await asyncio.wait({ending}, timeout=0.1)
        writer.write(piece)
    await asyncio.wait({ending}, timeout=0)
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)
    return time.monotonic() - started


async def test_dripping_heads_end_and_nobody_else_waits(node: ServiceNode, attacker: Attacker) -> None:
    async with connections(node, 100) as opened:
        dripping = [
            asyncio.create_task(drip(one, b"GET /api/heartbeat HTTP/1.1\r\n", b"X-A: b\r\n"))
            for one in opened
        ]
        assert await slowest_heartbeat(attacker) < NO_WAIT_SECONDS
        assert max(await asyncio.gather(*dripping)) < SLOW_SECONDS + SLACK_SECONDS


async def test_dripping_bodies_are_answered_408_and_nobody_else_waits(
    node: ServiceNode, attacker: Attacker
) -> None:
    start = head("POST", f"{V2}/clip", JSON_LINE, "Content-Length: 100000")
    async with connections(node, 100) as opened:
        for _, writer in opened:
            writer.write(start)
        assert await slowest_heartbeat(attacker) < NO_WAIT_SECONDS
        heads = await asyncio.gather(*(reader.readuntil(b"\r\n\r\n") for reader, _ in opened))
        assert {one.split(b" ")[1] for one in heads} == {b"408"}
        assert all(b"Connection: close" in one for one in heads)


async def test_two_thousand_idle_connections_do_no_harm(node: ServiceNode, attacker: Attacker) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE_CONNECTIONS + 500:
        pytest.skip("this process may not open so many connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, IDLE_CONNECTIONS + 500), hard))
    async with connections(node, IDLE_CONNECTIONS) as opened:
        assert await slowest_heartbeat(attacker) < NO_WAIT_SECONDS
        created = await attacker.say("POST", f"{V2}/clip", {"name": attacker.name()})
        assert created.status == 202
        ends = (reader.read() for reader, _ in opened)
        async with asyncio.timeout(SLOW_SECONDS + SLACK_SECONDS):
            assert set(await asyncio.gather(*ends)) == {b""}  # a head that never begins is given up


async def test_pipelined_requests_are_all_answered_in_order(attacker: Attacker) -> None:
    paths = ["/api/heartbeat", "/api/replicate_mode", f"{V2}/clip", "/api/nowhere"] * 50
    request = b"".join(head("GET", path, key="", close=False) for path in paths) + LAST
    answer = await attacker.raw(request)
    assert answer.answers == len(paths) + 1
    statuses = [part.split(b" ")[0] for part in answer.raw.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"200", b"404"] * 50 + [b"200"]


HIDDEN = b"POST /api/model_references/v2/pending_queue/purge HTTP/1.1\r\nHost: service\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding:\x0bchunked",),
        ("Transfer-Encoding : chunked",),
        (" Transfer-Encoding: chunked",),
        ("X-A: b\n Transfer-Encoding: chunked",),
        ("X-A: b\rTransfer-Encoding: chunked",),
        ("Content-Length: 0", "Content-Length: 4"),
        ("Content-Length: 4", "Content-Length: 4"),
        ("Content-Length: 4, 4",),
        ("Content-Length: +4",),
        ("Content-Length: 0x4",),
        ("Content-Length: 4_0",),
        ("Content-Length: -4",),
        ("Content-Length: 4 ", "Content-Length : 0"),
        ("Content-Length: \u0664".encode().decode("latin-1"),),
        ("Content-Length: " + "9" * 40,),
        ("Content-Length:",),
    ],
)
async def test_a_request_cannot_hide_another_one(attacker: Attacker, lines: tuple[str, ...]) -> None:
    body = b"0\r\n\r\n"
    request = head("POST", f"{V2}/clip", JSON_LINE, *lines, close=False) + body + HIDDEN
    answer = await attacker.raw(request)
    assert answer.status == 400, answer.raw[:300]
    assert (answer.answers, answer.ended) == (1, True)


async def test_an_unread_body_is_never_taken_for_a_request(attacker: Attacker) -> None:
    for key in ("", "key-unknown", "key-reader"):
        request = with_body("POST", f"{V2}/clip", HIDDEN, key=key) + LAST
        answer = await attacker.raw(request.replace(b"Connection: close\r\n", b"", 1))
        assert answer.answers == 2, answer.raw
        assert answer.raw.count(b"HTTP/1.1 200") == 1
        assert answer.status in {401, 403}


async def test_an_upgrade_is_not_followed(attacker: Attacker) -> None:
    for protocol in ("h2c", "websocket", "TLS/1.0"):
        lines = (f"Upgrade: {protocol}", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        request = head("GET", "/api/heartbeat", *lines, close=False)
        answer = await attacker.raw(request, until=b"\r\n\r\n")
        assert answer.status == 200
        assert b"upgrade" not in answer.head


async def test_an_unknown_expectation_is_refused_in_the_one_shape(attacker: Attacker) -> None:
    answer = await attacker.raw(head("GET", "/api/heartbeat", "Expect: the moon", key=""))
    assert answer.status == 417
    assert answer.body == b'{"detail":"Expectation Failed"}'
    assert b"content-type: application/json" in answer.head
    assert b"access-control-allow-origin: *" in answer.head


async def slowest_heartbeat(attacker: Attacker) -> float:
    slowest = 0.0
    for _ in range(20):
        started = time.monotonic()
        assert (await attacker.say("GET", "/api/heartbeat", key="")).status == 200
        slowest = max(slowest, time.monotonic() - started)
    return slowest

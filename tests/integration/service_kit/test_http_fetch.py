"""Fetching files from another server, which may misbehave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service_kit.errors import NotFound, ServiceError
from service_kit.http_fetch import Fetch, PeerRefused, PeerUnavailable, open_fetch
from service_kit.retry import RetryPolicy
from service_kit.telemetry import Telemetry

QUICK = RetryPolicy(attempts=3, first_pause_seconds=0.01, max_pause_seconds=0.02, deadline_seconds=30.0)
LIMIT_BYTES = 1000


class Peer:
    """A server that gives one answer after the other, the last one again and again."""

    def __init__(self, *answers: Callable[[web.Request], web.StreamResponse]) -> None:
        self.requests = 0
        self._answers = answers

    async def handle(self, request: web.Request) -> web.StreamResponse:
        answer = self._answers[min(self.requests, len(self._answers) - 1)]
        self.requests += 1
        return answer(request)


def status(number: int) -> Callable[[web.Request], web.StreamResponse]:
    return lambda _: web.Response(status=number, text="body")


def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@contextlib.asynccontextmanager
async def fetching(peer: Peer, telemetry: Telemetry | None = None) -> AsyncIterator[tuple[Fetch, str]]:
    app = web.Application()
    app.router.add_get("/file", peer.handle)
    async with (
        TestServer(app) as server,
        open_fetch("peer", max_bytes=LIMIT_BYTES, policy=QUICK, telemetry=telemetry) as fetch,
    ):
        yield fetch, str(server.make_url("/file"))


@pytest.mark.parametrize("first", [status(500), status(503), status(429), cut])
async def test_failure_that_passes_is_tried_again_and_counted(
    first: Callable[[web.Request], web.StreamResponse],
) -> None:
    telemetry = Telemetry("test")
    peer = Peer(first, status(200))
    async with fetching(peer, telemetry) as (fetch, url):
        assert await fetch(url) == b"body"
    assert peer.requests >= 2
    assert b'retries_total{neighbour="peer"} ' in telemetry.render()


@pytest.mark.parametrize(
    ("answer", "error", "requests"),
    [
        (status(404), NotFound, 1),
        (status(403), PeerRefused, 1),
        (status(500), PeerUnavailable, QUICK.attempts),
        (lambda _: web.Response(body=b"x" * (LIMIT_BYTES + 1)), PeerRefused, 1),
    ],
)
async def test_failure_that_stays_is_raised_after_bounded_tries(
    answer: Callable[[web.Request], web.StreamResponse], error: type[ServiceError], requests: int
) -> None:
    peer = Peer(answer)
    async with fetching(peer) as (fetch, url):
        with pytest.raises(error):
            await fetch(url)
    assert peer.requests == requests


async def test_body_of_the_limit_is_taken_whole() -> None:
    async with fetching(Peer(lambda _: web.Response(body=b"x" * LIMIT_BYTES))) as (fetch, url):
        assert len(await fetch(url)) == LIMIT_BYTES


async def test_server_that_is_not_there_is_unavailable() -> None:
    async with open_fetch("peer", max_bytes=LIMIT_BYTES, policy=QUICK) as fetch:
        with pytest.raises(PeerUnavailable, match="cannot be reached"):
            await fetch("http://127.0.0.1:1/file")


async def test_silence_ends_at_the_deadline() -> None:
    policy = RetryPolicy(attempts=1, deadline_seconds=0.2)

    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    app = web.Application()
    app.router.add_get("/file", never)
    async with TestServer(app) as server, open_fetch("peer", max_bytes=LIMIT_BYTES, policy=policy) as fetch:
        with pytest.raises(PeerUnavailable, match="no answer in time"):
            await fetch(str(server.make_url("/file")))

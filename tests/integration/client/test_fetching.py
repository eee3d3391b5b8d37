"""Requests to real servers that behave, and to some that do not."""

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from horde_model_reference.replica.errors import (
    NotOffered,
    SourceRefused,
    SourceUnavailable,
    SourceUnusable,
)
from horde_model_reference.replica.fetching import Answer, Fetcher
from support.fault_proxy import FaultProxy, How
from support.processes import free_port
from support.upstreams import Upstream, upstreams

BODY = b'{"a": {"name": "a"}}' * 5000


class Pauses:
    """A clock that does not wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
async def server() -> AsyncIterator[Upstream]:
    async with upstreams("a server") as (one,):
        yield one


@pytest.fixture
async def proxy(server: Upstream) -> AsyncIterator[FaultProxy]:
    async with FaultProxy("127.0.0.1", server.port) as one:
        yield one


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def fetcher(pauses: Pauses) -> AsyncIterator[Fetcher]:
    made = Fetcher(timeout_seconds=60, sleep=pauses.sleep)
    yield made
    await made.close()


def url_of(server: Upstream | FaultProxy, path: str = "/x") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def statuses(*codes: int, **headers: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Answer with these statuses, the last one for ever."""
    left = list(codes)

    async def answer(_: web.Request) -> web.StreamResponse:
        code = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=code, body=b"" if code == 304 else b"{}", headers=headers)

    return answer


async def test_an_answer_carries_what_matters(server: Upstream, fetcher: Fetcher) -> None:
    server.headers.update({"ETag": '"e1"', "X-Revision": "17", "X-Stale": "true"})
    assert await fetcher.get(url_of(server)) == Answer(
        200, server.body, etag='"e1"', revision=17, content_type="application/json", stale=True
    )


async def test_a_server_of_another_kind_tells_less(server: Upstream, fetcher: Fetcher) -> None:
    server.headers.update({"X-Revision": "latest"})
    answer = await fetcher.get(url_of(server))
    assert (answer.etag, answer.revision, answer.stale) == (None, None, False)


@pytest.mark.parametrize("text", ["-1", "1.5", "9" * 5000, "", "²"])
async def test_an_odd_revision_is_none(server: Upstream, fetcher: Fetcher, text: str) -> None:
    server.headers.update({"X-Revision": text})
    assert (await fetcher.get(url_of(server))).revision is None


async def test_a_packed_body_is_asked_for_and_unpacked(server: Upstream, fetcher: Fetcher) -> None:
    server.headers.update({"Content-Encoding": "gzip"})
    server.body = gzip.compress(BODY)
    assert (await fetcher.get(url_of(server))).body == BODY
    assert server.seen[0].headers["Accept-Encoding"] == "gzip"


async def test_only_the_given_headers_are_sent_with_those_of_the_library(
    server: Upstream, fetcher: Fetcher
) -> None:
    await fetcher.get(url_of(server), headers={"If-None-Match": '"e1"'})
    names = {name.lower() for name in server.seen[0].headers}
    assert names == {"host", "accept", "accept-encoding", "user-agent", "if-none-match"}


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 405, 410, 422, 204])
async def test_other_statuses_are_answers_and_asked_for_once(
    server: Upstream, fetcher: Fetcher, status: int
) -> None:
    server.answer = statuses(status, ETag='"e2"')
    answer = await fetcher.get(url_of(server), headers={"If-None-Match": '"e2"'})
    assert (answer.status, answer.etag, len(server.seen)) == (status, '"e2"', 1)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 599])
async def test_statuses_that_may_pass_are_tried_three_times(
    server: Upstream, fetcher: Fetcher, pauses: Pauses, status: int
) -> None:
    server.answer = statuses(status)
    with pytest.raises(SourceUnavailable, match=f"status {status}"):
        await fetcher.get(url_of(server))
    assert len(server.seen) == 3
    first, second = pauses.seconds
    assert 0.8 <= first <= 1.2
    assert 1.6 <= second <= 2.4


async def test_the_third_attempt_counts(server: Upstream, fetcher: Fetcher) -> None:
    server.answer = statuses(500, 429, 200)
    assert (await fetcher.get(url_of(server))).status == 200
    assert fetcher.statistics().failures == 2
    assert fetcher.statistics().requests == 3


async def test_the_number_of_attempts_can_be_chosen_for_one_request(
    server: Upstream, fetcher: Fetcher, pauses: Pauses
) -> None:
    server.answer = statuses(500)
    with pytest.raises(SourceUnavailable):
        await fetcher.get(url_of(server), attempts=1)
    assert (len(server.seen), pauses.seconds) == (1, [])


@pytest.mark.parametrize(
    ("given", "lower", "upper"),
    [
        ("3", 3, 3),
        ("3600", 5, 5),
        ("9" * 400, 5, 5),
        ("0", 0.8, 1.2),
        ("-7", 0.8, 1.2),
        ("soon", 0.8, 1.2),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.8, 1.2),
        ("Wed, 21 Oct 2115 07:28:00 GMT", 5, 5),
        ("Wed, 21 Oct 2115 07:28:00", 0.8, 5),
    ],
)
async def test_the_server_may_say_when_to_come_back(
    server: Upstream, fetcher: Fetcher, pauses: Pauses, given: str, lower: float, upper: float
) -> None:
    server.answer = statuses(503, 200, **{"Retry-After": given})
    await fetcher.get(url_of(server))
    (pause,) = pauses.seconds
    assert lower <= pause <= upper


async def test_a_refused_connection_is_tried_again_and_then_unavailable(
    fetcher: Fetcher, pauses: Pauses
) -> None:
    with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1"):
        await fetcher.get(f"http://127.0.0.1:{free_port()}/x")
    assert len(pauses.seconds) == 2
    assert fetcher.statistics().failures == 3


async def test_a_server_that_comes_up_between_attempts_is_reached(server: Upstream) -> None:
    await server.stop()

    async def start(_: float) -> None:
        await server.start()

    made = Fetcher(timeout_seconds=60, sleep=start)
    assert (await made.get(url_of(server))).body == server.body
    await made.close()


async def test_a_server_that_hangs_is_unavailable(server: Upstream, fetcher: Fetcher) -> None:
    server.hang = True
    with pytest.raises(SourceUnavailable, match="no answer in time"):
        await fetcher.get(url_of(server), timeout_seconds=0.3)
    assert len(server.seen) == 3


async def test_a_body_that_stalls_is_unavailable(server: Upstream, fetcher: Fetcher) -> None:
    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"a":')
        await asyncio.sleep(60)
        return response

    server.answer = stall
    with pytest.raises(SourceUnavailable, match="no answer in time"):
        await fetcher.get(url_of(server), timeout_seconds=0.05, attempts=1)


async def test_no_time_at_all_is_not_taken_for_endless(server: Upstream, fetcher: Fetcher) -> None:
    server.hang = True
    with pytest.raises(SourceUnavailable, match="in time"):
        await fetcher.get(url_of(server), timeout_seconds=0, attempts=1)


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_a_connection_lost_before_the_answer_is_tried_again(
    server: Upstream, proxy: FaultProxy, fetcher: Fetcher, how: How
) -> None:
    proxy.lose_answers(2, how)
    assert (await fetcher.get(url_of(proxy))).body == server.body
    assert len(server.seen) >= 3


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_cut_short_is_never_taken_for_whole(
    server: Upstream, proxy: FaultProxy, fetcher: Fetcher, *, chunked: bool
) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        response = web.Response(body=BODY)
        if chunked:
            response.enable_chunked_encoding()
        return response

    server.answer = answer
    proxy.cut_answers_after(30_000)
    with pytest.raises(SourceUnavailable):
        await fetcher.get(url_of(proxy))
    assert len(server.seen) == 3
    proxy.heal()
    assert (await fetcher.get(url_of(proxy))).body == BODY


async def test_a_body_that_is_not_packed_as_it_says_is_unavailable(
    server: Upstream, fetcher: Fetcher
) -> None:
    server.headers.update({"Content-Encoding": "gzip"})
    server.body = b"not packed at all"
    with pytest.raises(SourceUnavailable):
        await fetcher.get(url_of(server))


@pytest.mark.parametrize("packed", [False, True])
async def test_too_large_a_body_is_refused_at_once(server: Upstream, *, packed: bool) -> None:
    made = Fetcher(timeout_seconds=60, max_body_bytes=1000)
    if packed:
        server.headers.update({"Content-Encoding": "gzip"})
    server.body = gzip.compress(bytes(10_000_000)) if packed else bytes(2000)
    with pytest.raises(SourceUnusable, match="more than 1000 bytes"):
        await made.get(url_of(server))
    assert len(server.seen) == 1
    await made.close()


async def test_a_body_of_exactly_the_greatest_size_is_taken(server: Upstream) -> None:
    made = Fetcher(timeout_seconds=60, max_body_bytes=1000)
    server.body = bytes(1000)
    assert len((await made.get(url_of(server))).body) == 1000
    await made.close()


async def test_something_that_does_not_speak_http_is_unavailable(fetcher: Fetcher) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as mail:
        port = mail.sockets[0].getsockname()[1]
        with pytest.raises(SourceUnavailable):
            await fetcher.get(f"http://127.0.0.1:{port}/x")


@pytest.mark.parametrize(
    "url", ["", "models.aihorde.net/api", "http://", "ftp://127.0.0.1/x", "http://[::1/x", "http://a..b/x"]
)
async def test_what_cannot_be_asked_fails_without_a_wait(url: str, fetcher: Fetcher) -> None:
    with pytest.raises((SourceUnusable, SourceUnavailable)):
        await fetcher.get(url, attempts=1)


async def test_a_host_that_does_not_exist_is_unavailable(fetcher: Fetcher) -> None:
    with pytest.raises(SourceUnavailable):
        await fetcher.get("http://no-such-host.invalid/x", attempts=1)


async def test_errors_do_not_tell_what_is_secret_in_the_url(server: Upstream, fetcher: Fetcher) -> None:
    server.answer = statuses(500)
    with pytest.raises(SourceUnavailable) as caught:
        await fetcher.get(f"http://me:password@127.0.0.1:{server.port}/x?token=hidden", attempts=1)
    assert "password" not in str(caught.value)
    assert "hidden" not in str(caught.value)


async def test_redirects_are_followed(server: Upstream, fetcher: Fetcher) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/x":
            raise web.HTTPMovedPermanently("/y")
        return web.Response(text="there")

    server.answer = answer
    assert (await fetcher.get(url_of(server))).body == b"there"


async def test_endless_redirects_are_unavailable(server: Upstream, fetcher: Fetcher) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/x?again")

    server.answer = answer
    with pytest.raises(SourceUnavailable, match="TooManyRedirects"):
        await fetcher.get(url_of(server), attempts=1)


async def test_a_key_is_not_taken_along_by_a_redirect(fetcher: Fetcher) -> None:
    async with upstreams("ours", "theirs") as (ours, theirs):

        async def answer(_: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(url_of(theirs))

        ours.answer = answer
        assert (await fetcher.get(url_of(ours), headers={"apikey": "secret"})).status == 302
        assert theirs.seen == []


async def test_a_proxy_of_the_environment_is_used(
    server: Upstream, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", url_of(server, ""))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    answer = await fetcher.get("http://models.example/api/x")
    assert answer.body == server.body
    assert server.seen[0].headers["Host"] == "models.example"


async def test_what_happened_is_counted(server: Upstream, fetcher: Fetcher) -> None:
    server.body = bytes(100)
    for _ in range(3):
        await fetcher.get(url_of(server))
    server.answer = statuses(404)
    await fetcher.get(url_of(server))
    statistics = fetcher.statistics()
    assert (statistics.requests, statistics.failures, statistics.bytes_received) == (4, 0, 302)


async def test_requests_after_each_other_share_a_connection(
    server: Upstream, proxy: FaultProxy, fetcher: Fetcher
) -> None:
    for _ in range(5):
        await fetcher.get(url_of(proxy))
    assert proxy.accepted == 1


async def test_a_connection_that_the_server_gave_up_does_not_cost_an_attempt(
    server: Upstream, proxy: FaultProxy, fetcher: Fetcher
) -> None:
    await fetcher.get(url_of(proxy))
    proxy.refuse()
    proxy.heal()
    await asyncio.sleep(0.01)
    assert (await fetcher.get(url_of(proxy), attempts=1)).status == 200


async def test_a_cancelled_request_leaves_the_fetcher_usable(server: Upstream, fetcher: Fetcher) -> None:
    arrived = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(60)
        return web.Response()

    server.answer = hang
    asking = asyncio.create_task(fetcher.get(url_of(server)))
    await arrived.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    server.answer = None
    assert (await fetcher.get(url_of(server))).status == 200


async def test_requests_at_once_share_a_session_from_the_beginning(
    server: Upstream, fetcher: Fetcher
) -> None:
    answers = await asyncio.gather(*(fetcher.get(url_of(server)) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}


async def test_a_closed_fetcher_opens_anew_when_it_is_used(server: Upstream, fetcher: Fetcher) -> None:
    await fetcher.get(url_of(server))
    await fetcher.close()
    await fetcher.close()
    assert (await fetcher.get(url_of(server))).status == 200


def serve_in_thread(answers: int) -> tuple[socket.socket, Callable[[], None]]:
    """Return a listening socket, and what serves so many connections, one request each."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(answers):
            connection, _address = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")

    return listener, serve


async def test_two_loops_one_after_another_each_get_a_session() -> None:
    made = Fetcher(timeout_seconds=60)
    listener, serve = serve_in_thread(2)
    serving = asyncio.create_task(asyncio.to_thread(serve))
    port = listener.getsockname()[1]

    async def ask() -> int:
        status = (await made.get(f"http://127.0.0.1:{port}/x")).status
        await asyncio.sleep(0)  # the connection is closed in the next turn of the loop
        return status

    assert await asyncio.to_thread(lambda: asyncio.run(ask())) == 200
    assert await asyncio.to_thread(lambda: asyncio.run(ask())) == 200
    await serving
    await made.close()
    listener.close()


async def event_stream(request: web.Request, *pieces: bytes, end: bool = True) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
    if not end:
        await asyncio.sleep(60)
    return response


def streaming(*pieces: bytes, end: bool = True) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    return lambda request: event_stream(request, *pieces, end=end)


async def collected(fetcher: Fetcher, url: str, **options: Any) -> bytes:
    found = b""
    options = {"idle_timeout_seconds": 60, "content_type": "text/event-stream", **options}
    async with fetcher.stream(url, **options) as pieces:
        async for piece in pieces:
            found += piece
    return found


async def test_a_stream_gives_its_pieces_until_its_end(server: Upstream, fetcher: Fetcher) -> None:
    server.answer = streaming(b"one", b"two")
    assert await collected(fetcher, url_of(server), headers={"Last-Event-ID": "7"}) == b"onetwo"
    assert server.seen[0].headers["Last-Event-ID"] == "7"
    assert server.seen[0].headers["Accept-Encoding"] == "identity"


async def test_a_stream_that_falls_silent_is_unavailable(server: Upstream, fetcher: Fetcher) -> None:
    server.answer = streaming(b"one", end=False)
    with pytest.raises(SourceUnavailable, match="in time"):
        await collected(fetcher, url_of(server), idle_timeout_seconds=0.05)


async def test_a_stream_that_never_begins_is_unavailable(server: Upstream, fetcher: Fetcher) -> None:
    server.hang = True
    with pytest.raises(SourceUnavailable, match="in time"):
        await collected(fetcher, url_of(server), idle_timeout_seconds=0.05)


async def test_a_stream_that_is_cut_off_is_unavailable(
    server: Upstream, proxy: FaultProxy, fetcher: Fetcher
) -> None:
    server.answer = streaming(b"one", b"x" * 100_000)
    proxy.cut_answers_after(2000)
    with pytest.raises(SourceUnavailable):
        await collected(fetcher, url_of(proxy))


@pytest.mark.parametrize("status", [404, 405, 422])
async def test_a_stream_that_is_not_offered_says_so(server: Upstream, fetcher: Fetcher, status: int) -> None:
    server.answer = statuses(status)
    with pytest.raises(NotOffered) as caught:
        await collected(fetcher, url_of(server))
    assert caught.value.status == status


async def test_a_page_instead_of_a_stream_is_not_the_offer(server: Upstream, fetcher: Fetcher) -> None:
    with pytest.raises(NotOffered, match="text/event-stream"):
        await collected(fetcher, url_of(server))


async def test_a_stream_that_is_refused_says_so(server: Upstream, fetcher: Fetcher) -> None:
    server.answer = statuses(403)
    with pytest.raises(SourceRefused) as caught:
        await collected(fetcher, url_of(server))
    assert not isinstance(caught.value, NotOffered)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_stream_that_may_open_later_is_unavailable(
    server: Upstream, fetcher: Fetcher, status: int
) -> None:
    server.answer = statuses(status)
    with pytest.raises(SourceUnavailable):
        await collected(fetcher, url_of(server))
    assert len(server.seen) == 1


async def test_an_error_of_the_listener_is_its_own_and_ends_the_stream(
    server: Upstream, fetcher: Fetcher
) -> None:
    ended = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await event_stream(request, b"one")
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"more")
                await asyncio.sleep(0.001)
        ended.set()
        return response

    async def listen() -> None:
        async with fetcher.stream(url_of(server), idle_timeout_seconds=60) as pieces:
            await anext(pieces)
            raise TimeoutError("mine")

    server.answer = answer
    with pytest.raises(TimeoutError, match="mine"):
        await listen()
    await asyncio.wait_for(ended.wait(), 60)

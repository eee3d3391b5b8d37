"""Reading answers from a connection."""

import asyncio
import contextlib
from typing import cast

import pytest

from load.wire import Answer, Connection, ConnectionGone, parse_head, request_head


class NoWriter:
    """Takes what is sent and forgets it."""

    def write(self, _: bytes) -> None: ...

    def close(self) -> None: ...


def a_connection(said: bytes) -> Connection:
    """Return a connection whose other side says something, and ends it."""
    reader = asyncio.StreamReader()
    reader.feed_data(said)
    reader.feed_eof()
    return Connection(reader, cast(asyncio.StreamWriter, NoWriter()))


@pytest.mark.parametrize(
    ("said", "body", "usable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext", b"text", True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nte\r\n2\r\nxt\r\n0\r\n\r\n",
            b"text",
            True,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntext", b"text", False),
        (b"HTTP/1.1 200 OK\r\n\r\ntext", b"text", False),
        (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", b"", True),
    ],
)
async def test_answer_is_read_to_its_end(said: bytes, body: bytes, usable: bool) -> None:
    connection = a_connection(said)
    answer = await connection.ask(b"GET")
    assert (answer.body, connection.is_usable, connection.is_used) == (body, usable, True)


async def test_kept_connection_that_was_closed_is_told_from_a_broken_answer() -> None:
    with pytest.raises(ConnectionGone):
        await a_connection(b"").ask(b"GET")
    with pytest.raises(EOFError):
        await a_connection(b"HTTP/1.1 200 OK\r\n").ask(b"GET")
    with pytest.raises(EOFError):
        await a_connection(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntext").ask(b"GET")


async def test_two_answers_come_over_one_connection() -> None:
    connection = a_connection(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na" * 2)
    answers: list[Answer] = []
    with contextlib.suppress(ConnectionGone):
        while True:
            answers.append(await connection.ask(b"GET"))
    assert [answer.body for answer in answers] == [b"a", b"a"]


def test_names_of_headers_are_in_lower_case() -> None:
    assert parse_head(b"HTTP/1.1 200 OK\r\nX-Revision: 7\r\n\r\n") == (200, {"x-revision": "7", "": ""})


def test_request_has_its_headers() -> None:
    assert request_head("h", "/p", {"A": "b"}) == b"GET /p HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"

"""Requests: bounded in time, tries and size."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, Self

from aiohttp import ClientError, ClientResponse, ClientResponseError, ClientTimeout, InvalidURL

from horde_model_reference.http_retry import is_retryable_status_code, pauses
from horde_model_reference.replica.errors import (
    NotOffered,
    SourceFailed,
    SourceRefused,
    SourceUnavailable,
    SourceUnusable,
)
from horde_model_reference.replica.sessions import Sessions
from horde_model_reference.shown_urls import shown_url

CONNECT_SECONDS: Final = 4.0
"""A lost first packet is sent again after one second, and after three."""

SHORTEST_SECONDS: Final = 0.001
"""The library takes 0 for no limit."""

LONGEST_PAUSE_SECONDS: Final = 30.0
LONGEST_RETRY_AFTER_SECONDS: Final = 5.0
MAX_BODY_BYTES: Final = 256 * 1024 * 1024
MAX_REVISION_DIGITS: Final = 15
NOT_OFFERED_STATUSES: Final = frozenset({404, 405, 422})
SECRET_HEADERS: Final = frozenset({"apikey", "authorization", "cookie"})

log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What came back. The body is unpacked; `revision` and `stale` are what our kind of server tells."""

    status: int
    body: bytes
    etag: str | None = None
    revision: int | None = None
    content_type: str = ""
    stale: bool = False


class FetchStatistics(NamedTuple):
    """Requests sent, those that failed, and how many bytes the unpacked bodies had."""

    requests: int = 0
    failures: int = 0
    bytes_received: int = 0


class Fetcher:
    """Sends GET requests over one session for each event loop it is used on.

    Proxies are those of the environment. To the headers that are given only `Accept-Encoding` is added,
    beside the HTTP library's own. Redirects are followed, but never with a secret among the headers.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float,
        attempts: int = 3,
        backoff_seconds: float = 1.0,
        max_body_bytes: int = MAX_BODY_BYTES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._attempts = attempts
        self._backoff_seconds = backoff_seconds
        self._max_body_bytes = max_body_bytes
        self._sleep = sleep
        self._sessions = Sessions()
        self._requests = 0
        self._failures = 0
        self._bytes_received = 0

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
        attempts: int | None = None,
    ) -> Answer:
        """Return the answer. The time limit is that of each attempt.

        Lost connections, timeouts, bodies cut short and the statuses 429 and 5xx are tried again, after
        about `backoff_seconds` and then about twice the pause before; in the end `SourceUnavailable` is
        raised. Every other status is an answer. `SourceUnusable`: not a URL, or too large a body.
        """
        limit = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        tries = self._attempts if attempts is None else attempts
        for pause in pauses(tries, self._backoff_seconds, LONGEST_PAUSE_SECONDS):
            try:
                return await self._try(url, headers, limit)
            except SourceUnavailable as error:
                log.debug("%s; trying again", error)
                await self._sleep(max(pause, error.retry_after_seconds))
        return await self._try(url, headers, limit)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        idle_timeout_seconds: float,
        content_type: str | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield the pieces of a body that may never end, as they come. One attempt.

        Raises `NotOffered` (404, 405, 422, or another content type than asked for), `SourceRefused` (another
        status than 200) and `SourceUnavailable`: no connection, 429, 5xx, silence for too long, cut off.
        """
        connect = min(CONNECT_SECONDS, idle_timeout_seconds)
        timeout = ClientTimeout(total=None, sock_connect=connect, sock_read=idle_timeout_seconds)
        given = {"Accept-Encoding": "identity", **(headers or {})}  # what packs also holds back
        session = await self._sessions.current()
        with self._one_request(url):
            response = await session.get(url, headers=given, timeout=timeout)
        try:
            with self._failing():
                require_ok(response.status, url)
                if content_type is not None and response.content_type != content_type:
                    raise NotOffered(f"{shown_url(url)}: not {content_type}", response.status)
            yield _Pieces(response, url, self._next_piece)
        finally:
            response.close()

    def statistics(self) -> FetchStatistics:
        """Return what happened so far."""
        return FetchStatistics(self._requests, self._failures, self._bytes_received)

    async def close(self) -> None:
        """Close the session of the running loop. Using the fetcher again opens another one."""
        await self._sessions.close()

    async def _try(self, url: str, headers: Mapping[str, str] | None, limit_seconds: float) -> Answer:
        session = await self._sessions.current()
        limit = max(limit_seconds, SHORTEST_SECONDS)
        timeout = ClientTimeout(total=limit, sock_connect=min(CONNECT_SECONDS, limit))
        follow = headers is None or SECRET_HEADERS.isdisjoint(name.lower() for name in headers)
        with self._one_request(url):
            async with session.get(url, headers=headers, timeout=timeout, allow_redirects=follow) as response:
                if is_retryable_status_code(response.status):
                    raise SourceUnavailable(
                        f"{shown_url(url)}: status {response.status}",
                        retry_after_seconds=_retry_after_seconds(response),
                    )
                return _answer(response, await self._body(response, url))

    async def _body(self, response: ClientResponse, url: str) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            self._bytes_received += len(piece)
            if size > self._max_body_bytes:
                raise SourceUnusable(f"{shown_url(url)}: more than {self._max_body_bytes} bytes")
        return b"".join(pieces)

    @contextlib.contextmanager
    def _one_request(self, url: str) -> Iterator[None]:
        self._requests += 1
        with self._failing(), translated(url):
            yield

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except SourceFailed:
            self._failures += 1
            raise

    async def _next_piece(self, pieces: AsyncIterator[bytes], url: str) -> bytes:
        with self._failing(), translated(url):
            piece = await anext(pieces)
        self._bytes_received += len(piece)
        return piece


_Read = Callable[[AsyncIterator[bytes], str], Awaitable[bytes]]


class _Pieces:
    """The body of a stream. Ends where the server ends it in order."""

    def __init__(self, response: ClientResponse, url: str, read: _Read) -> None:
        self._pieces = aiter(response.content.iter_any())
        self._url = url
        self._read = read

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        return await self._read(self._pieces, self._url)


@contextlib.contextmanager
def translated(url: str) -> Iterator[None]:
    """Raise the errors of the transport as `SourceUnavailable`, and of what is no URL as `SourceUnusable`."""
    try:
        yield
    except TimeoutError as error:
        raise SourceUnavailable(f"{shown_url(url)}: no answer in time") from error
    except ClientResponseError as error:  # its text has the whole URL
        raise SourceUnavailable(f"{shown_url(url)}: {type(error).__name__}, status {error.status}") from error
    except InvalidURL as error:
        raise SourceUnusable(f"{shown_url(url)}: not a URL that can be asked") from error
    except (ClientError, OSError) as error:
        raise SourceUnavailable(f"{shown_url(url)}: {str(error) or type(error).__name__}") from error
    except RuntimeError as error:  # aiohttp says so where it reads from a connection that is gone
        if str(error) != "Connection closed.":
            raise
        raise SourceUnavailable(f"{shown_url(url)}: the connection is gone") from error
    except ValueError as error:  # of a host name that cannot be one
        raise SourceUnusable(f"{shown_url(url)}: not a URL that can be asked") from error


def require_ok(status: int, url: str) -> None:
    """Raise what another status than 200 means for a path that not every server has."""
    if status in NOT_OFFERED_STATUSES:
        raise NotOffered(f"{shown_url(url)}: not offered, status {status}", status)
    if is_retryable_status_code(status):
        raise SourceUnavailable(f"{shown_url(url)}: status {status}")
    if status != 200:
        raise SourceRefused(f"{shown_url(url)}: status {status}", status)


def _answer(response: ClientResponse, body: bytes) -> Answer:
    return Answer(
        status=response.status,
        body=body,
        etag=response.headers.get("ETag"),
        revision=_revision(response.headers.get("X-Revision", "")),
        content_type=response.content_type,
        stale=response.headers.get("X-Stale", "").lower() == "true",
    )


def _revision(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_REVISION_DIGITS else None


def _retry_after_seconds(response: ClientResponse) -> float:
    """Return how long the server asks to wait, at most some seconds; 0 when it does not say."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        seconds = float(text)
    else:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):  # not a date; one without a time zone
            return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)

"""One address that a file is read from: the border to HTTP.

Everything that the network does wrong leaves this module as a `SourceTrouble`, so that nothing else, such as
what the caller's progress function raises, is ever taken for it.
"""

import contextlib
import re
import time
from collections.abc import AsyncIterator, Mapping
from typing import Final

from aiohttp import (
    ClientError,
    ClientHandlerType,
    ClientMiddlewareType,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)
from yarl import URL

from horde_model_reference.shown_urls import shown_url

BLOCK_BYTES: Final = 4 * 1024 * 1024
"""Bytes are handed on in blocks of this size: a thread takes each, which is dear for small ones."""

BLOCK_SECONDS: Final = 0.5
"""A slow source hands on what it has after this time."""

MAX_REDIRECTS: Final = 10
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PERMANENT: Final = frozenset({401, 403, 404, 410})
_CONTENT_RANGE: Final = re.compile(r"bytes (?:(?P<first>\d+)-\d+|\*)/(?:(?P<total>\d+)|\*)")


class SourceTrouble(Exception):
    """Why the file could not be read from there. The text holds no secrets."""

    permanent = False


class ConnectionBroken(SourceTrouble):
    """No connection, silence, or an answer that ended before its end."""


class AnswerRefused(SourceTrouble):
    """An answer with another status than asked for."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it answers {status}")
        self.permanent = status in _PERMANENT


class AddressUnusable(SourceTrouble):
    """What was given is no address of a web server."""

    permanent = True


class Answer:
    """An answer whose body has not been read. `total` is the size of the whole file, None if unknown."""

    def __init__(self, response: ClientResponse) -> None:
        headers = response.headers
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        self._response = response
        self._broken: ConnectionBroken | None = None
        self.status = response.status
        self.is_encoded = headers.get("Content-Encoding", "identity").lower() != "identity"
        self.first = int(found["first"]) if found and found["first"] else None
        self.total = int(found["total"]) if found and found["total"] else None
        if self.status == 200:
            self.total = None if self.is_encoded else response.content_length

    async def read_block(self) -> bytes:
        """Return the next block, empty at the end. Raises `ConnectionBroken`, after whatever had arrived."""
        if self._broken is not None:
            raise self._broken
        held: list[bytes] = []
        size = 0
        since = time.monotonic()
        try:
            while size < BLOCK_BYTES and (not held or time.monotonic() - since < BLOCK_SECONDS):
                piece = await self._response.content.readany()
                if not piece:
                    break
                held.append(piece)
                size += len(piece)
        except (ClientError, OSError) as error:  # a TimeoutError is an OSError
            self._broken = ConnectionBroken(_said(error))
            if not held:
                raise self._broken from error
        return b"".join(held)


class HttpSource:
    """A file at an address. With `pin` all its parts must be of the same version, by its ETag."""

    def __init__(
        self, session: ClientSession, url: str, headers: Mapping[str, str] | None = None, *, pin: bool = False
    ) -> None:
        self._session = session
        self._url = url
        self._headers = dict(headers or {})
        self._pin = pin
        self._etag: str | None = None

    def __str__(self) -> str:
        """Name the source without what may hold a key: its query, and who asks."""
        return shown_url(self._url)

    @contextlib.asynccontextmanager
    async def opened(self, first: int = 0, last: int | None = None) -> AsyncIterator[Answer]:
        """Ask for the file from byte `first` on, up to and with byte `last`. Raises `SourceTrouble`.

        Every status but 200, 206 and 416 is refused.
        """
        headers = {**self._headers, **self._range_headers(first, last)}
        response = await self._asked(headers)
        try:
            if response.status not in {200, 206, 416}:
                raise AnswerRefused(response.status)
            if self._etag is None or (response.status == 200 and last is None):
                self._etag = response.headers.get("ETag")  # of a whole file, with which all begins anew
            yield Answer(response)
        finally:
            response.close()

    def _range_headers(self, first: int, last: int | None) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}  # a part of something packed is of no use
        if first or last is not None:
            headers["Range"] = f"bytes={first}-{'' if last is None else last}"
            if self._pin and self._etag and not self._etag.startswith("W/"):
                headers["If-Range"] = self._etag
        return headers

    async def _asked(self, headers: Mapping[str, str]) -> ClientResponse:
        url = _address(self._url)
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = await self._session.get(url, allow_redirects=False, middlewares=[_adding(headers)])
            except InvalidURL as error:
                raise AddressUnusable("not an address of a web server") from error
            except (ClientError, OSError) as error:
                raise ConnectionBroken(_said(error)) from error
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or location is None:
                return response
            response.close()
            target = _address(location, url)
            if not _may_see_headers(url, target):
                headers = {name: value for name, value in headers.items() if name not in self._headers}
            url = target
        raise ConnectionBroken("too many redirects")


@contextlib.asynccontextmanager
async def open_session(silence_seconds: float) -> AsyncIterator[ClientSession]:
    """Open what requests are made with. No time is too long for a body, but silence is."""
    timeout = ClientTimeout(
        total=None, connect=3 * silence_seconds, sock_connect=silence_seconds, sock_read=silence_seconds
    )
    async with ClientSession(
        timeout=timeout, trust_env=True, cookie_jar=DummyCookieJar(), connector=TCPConnector(limit=0)
    ) as session:
        yield session


def _adding(headers: Mapping[str, str]) -> ClientMiddlewareType:
    """Return what puts headers into a request, also before those of a `.netrc`, which would be an error."""

    async def add(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        request.headers.update(headers)
        return await send(request)

    return add


def _address(text: str, base: URL | None = None) -> URL:
    try:
        url = URL(text) if base is None else base.join(URL(text))
    except ValueError as error:
        raise AddressUnusable("not an address") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise AddressUnusable("not an address of a web server")
    return url


def _may_see_headers(asked: URL, target: URL) -> bool:
    """Say whether a redirect stays with the server that was trusted with keys, or moves it to https."""
    is_upgrade = (asked.scheme, asked.port, target.scheme, target.port) == ("http", 80, "https", 443)
    return asked.host == target.host and (is_upgrade or asked.origin() == target.origin())


def _said(error: Exception) -> str:
    text = error.message if isinstance(error, ClientResponseError) else str(error)  # its own shows the query
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

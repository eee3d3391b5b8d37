"""Fetching files over HTTP: bounded time, bounded retries, bounded size."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import aiohttp

from service_kit.errors import NotFound, ServiceError
from service_kit.retry import RetryPolicy, with_retries
from service_kit.telemetry import Telemetry

CONNECT_TIMEOUT_SECONDS: Final = 3.0
READ_TIMEOUT_SECONDS: Final = 10.0
CHUNK_BYTES: Final = 64 * 1024

Fetch = Callable[[str], Awaitable[bytes]]


class PeerUnavailable(ServiceError):
    """Another server did not answer, or not usably, for a reason that can pass."""

    status, retryable = 503, True


class PeerRefused(ServiceError):
    """Another server refused for a reason that waiting does not cure, or answered with too much."""

    status = 502


@contextlib.asynccontextmanager
async def open_fetch(
    neighbour: str, *, max_bytes: int, policy: RetryPolicy, telemetry: Telemetry | None = None
) -> AsyncIterator[Fetch]:
    """Yield a function that returns the body behind a URL.

    It raises `NotFound` (404), `PeerRefused` (other 4xx, or a body over `max_bytes`) and `PeerUnavailable`
    (no connection, 429, 5xx, cut off or too slow) after the retries of the policy. `neighbour` is the
    name of the other server in the metrics.
    """
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=CONNECT_TIMEOUT_SECONDS, sock_read=READ_TIMEOUT_SECONDS
    )
    count_retry = telemetry.retries.labels(neighbour).inc if telemetry else None
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def fetch(url: str) -> bytes:
            try:
                return await with_retries(
                    lambda: _fetch_once(session, url, max_bytes), policy, on_retry=count_retry
                )
            except TimeoutError as error:
                raise PeerUnavailable("no answer in time") from error

        yield fetch


async def _fetch_once(session: aiohttp.ClientSession, url: str, max_bytes: int) -> bytes:
    try:
        async with session.get(url) as answer:
            if answer.status == 404:
                raise NotFound("there is no such file")
            if answer.status == 429 or answer.status >= 500:
                raise PeerUnavailable(f"answered with status {answer.status}")
            if answer.status != 200:
                raise PeerRefused(f"answered with status {answer.status}")
            return await _bounded(answer, max_bytes)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise PeerUnavailable(f"cannot be reached ({type(error).__name__})") from error


async def _bounded(answer: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise PeerRefused(f"sends more than {max_bytes} bytes")
    return bytes(body)

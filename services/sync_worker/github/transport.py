"""One exchange with GitHub over HTTP: bounded time, bounded size, no redirects.

Errors of the HTTP client may hold the headers of the request, and with them the token; so none of them is
raised, chained or logged.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import aiohttp
from aiohttp import hdrs
from yarl import URL

from sync_worker.github.calls import Call
from sync_worker.github.errors import GithubFailed, GithubUnavailable
from sync_worker.github.timing import GithubTiming

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
CHUNK_BYTES: Final = 256 * 1024
HEADERS: Final = {
    hdrs.ACCEPT: "application/vnd.github+json",
    hdrs.CONTENT_TYPE: "application/json",
    hdrs.USER_AGENT: "horde-model-reference-sync",
    "X-GitHub-Api-Version": "2022-11-28",
}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. Header names may be asked for in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends calls. `api_url` may end with a slash or without."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str, timing: GithubTiming) -> None:
        self._session = session
        self._api_url = api_url.rstrip("/")
        self.last_seconds: float | None = None
        """How long the last answer took."""
        self._timeout = aiohttp.ClientTimeout(timing.request_seconds, sock_connect=timing.connect_seconds)

    async def exchange(self, call: Call, token: str | None) -> HttpAnswer:
        """Return the answer, whatever its status. Raises `GithubUnavailable` where there is none."""
        url = URL(self._api_url + quote(call.path), encoded=True).with_query(dict(call.query))
        headers = HEADERS if token is None else {**HEADERS, hdrs.AUTHORIZATION: f"Bearer {token}"}
        body = None if call.body is None else await asyncio.to_thread(_packed, call.body)
        started = time.perf_counter()
        try:
            async with self._session.request(
                call.method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=self._timeout,
            ) as answer:
                found = HttpAnswer(answer.status, answer.headers, await _bounded_body(answer))
                self.last_seconds = time.perf_counter() - started
                return found
        except TimeoutError:
            raise GithubUnavailable(f"GitHub did not {call.operation} in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise GithubUnavailable(
                f"GitHub cannot be reached to {call.operation} ({type(error).__name__})"
            ) from None


def _packed(body: Mapping[str, object]) -> bytes:
    return json.dumps(body).encode()


async def _bounded_body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise GithubFailed("GitHub sends too much")
    return bytes(body)

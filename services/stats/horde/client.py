"""Asks the AI-Horde for its figures (aihorde-api.md sections 1 and 3)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
from aiohttp import hdrs

from service_kit.call_metrics import measured
from service_kit.retry import RetryPolicy
from stats.domain.runtime import HordeKind, Received, Source
from stats.horde.answers import HordeCallFailed, read_answer
from stats.horde.call_counts import HordeCallMetrics
from stats.horde.settings import HordeSettings
from stats.horde.timing import Timing

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
CHUNK_BYTES: Final = 256 * 1024
CONNECT_TIMEOUT_SECONDS: Final = 5.0
ATTEMPTS: Final = 3
MAX_PAUSE_SECONDS: Final = (
    10.0  # an AI-Horde that wants to be left alone for longer is asked in a later round
)
MAX_RETRY_AFTER_SECONDS: Final = 300.0

Call = tuple[HordeKind, Source]

IMAGE: Final = {"type": "image"}
TEXT: Final = {"type": "text"}
REQUESTS: Final[Mapping[Call, tuple[str, Mapping[str, str]]]] = {
    (HordeKind.IMAGE, Source.STATUS): ("status/models", {**IMAGE, "model_state": "all"}),
    (HordeKind.TEXT, Source.STATUS): ("status/models", {**TEXT, "model_state": "all"}),
    (HordeKind.IMAGE, Source.USAGE): ("stats/img/models", {"model_state": "known"}),
    (HordeKind.TEXT, Source.USAGE): ("stats/text/models", {}),
    (HordeKind.IMAGE, Source.WORKERS): ("workers", IMAGE),
    (HordeKind.TEXT, Source.WORKERS): ("workers", TEXT),
}
"""What is asked for. `known` text models would be too few (aihorde-api.md section 2)."""

CALLS: Final[tuple[Call, ...]] = tuple(REQUESTS)


class HordeClient:
    """Makes the six calls. Redirects are not followed, so that nobody sends us elsewhere."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: HordeSettings,
        timing: Timing,
        metrics: HordeCallMetrics,
    ) -> None:
        self._session = session
        self._base = settings.ai_horde_url.rstrip("/")
        self._timeout_seconds = settings.horde_api_timeout
        self._timing = timing
        self._metrics = metrics
        self._policy = RetryPolicy(
            ATTEMPTS, timing.retry_pause_seconds, MAX_PAUSE_SECONDS, 1.5 * settings.horde_api_timeout
        )

    async def fetch(self, call: Call) -> Received[Any] | None:
        """Return an answer; None for one that is in order but holds nothing. Tries up to three times.

        Raises `HordeCallFailed`.
        """
        try:
            async with asyncio.timeout(self._policy.deadline_seconds):
                return await self._fetch_patiently(call)
        except TimeoutError:
            raise HordeCallFailed("gave no answer in time") from None

    async def probe(self, call: Call) -> Received[Any] | None:
        """Do the same with a single try."""
        return await self._fetch_once(call)

    async def _fetch_patiently(self, call: Call) -> Received[Any] | None:
        tries = 1
        while True:
            try:
                return await self._fetch_once(call)
            except HordeCallFailed as error:
                pause = max(self._policy.pause_seconds(tries), error.retry_after_seconds)
                if not error.may_pass or tries >= self._policy.attempts or pause > MAX_PAUSE_SECONDS:
                    raise
            self._metrics.note_retry()
            await asyncio.sleep(pause)
            tries += 1

    async def _fetch_once(self, call: Call) -> Received[Any] | None:
        kind, source = call
        with measured(self._metrics.calls, f"{kind} {source}"):
            started = self._timing.monotonic()
            body = await self._load(call)
            self._metrics.last_seconds = self._timing.monotonic() - started
            fetched_at = self._timing.wall()
            reading = await asyncio.to_thread(read_answer, source, body)
        if reading is None:
            return None
        return Received(reading.value, fetched_at, skipped=reading.skipped)

    async def _load(self, call: Call) -> bytes:
        path, query = REQUESTS[call]
        try:
            async with self._session.get(
                f"{self._base}/v2/{path}",
                params=query,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(self._timeout_seconds, sock_connect=CONNECT_TIMEOUT_SECONDS),
            ) as answer:
                if answer.status != 200:
                    raise refusal(
                        answer.status, answer.headers.get(hdrs.RETRY_AFTER, ""), self._timing.wall()
                    )
                return await _bounded_body(answer)
        except (aiohttp.ClientError, OSError) as error:  # a time-out is an OSError too
            raise HordeCallFailed(f"cannot be reached ({type(error).__name__})") from None


@contextlib.asynccontextmanager
async def open_horde_client(
    settings: HordeSettings, timing: Timing, metrics: HordeCallMetrics
) -> AsyncIterator[HordeClient]:
    """Yield a client of the AI-Horde, which may be down; its address may end with a slash or without."""
    session = aiohttp.ClientSession(
        headers={"Client-Agent": settings.horde_api_client_agent},
        connector=aiohttp.TCPConnector(limit=len(CALLS)),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    async with session:
        yield HordeClient(session, settings, timing, metrics)


async def _bounded_body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HordeCallFailed("sends too much", may_pass=False)
    return bytes(body)


def refusal(status: int, retry_after: str, now: float) -> HordeCallFailed:
    """Return what an answer with another status than 200 means, at `now` in Unix seconds."""
    return HordeCallFailed(
        f"answered with status {status}",
        may_pass=status in {408, 429} or status >= 500,
        retry_after_seconds=retry_after_seconds(retry_after, now) if status in {429, 503} else 0.0,
    )


def retry_after_seconds(text: str, now: float) -> float:
    """Return how long a `Retry-After` asks us to wait, within a limit; 0 for what is none.

    It may be a number of seconds or a date.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            seconds = _aware(parsedate_to_datetime(text)).timestamp() - now
        except (ValueError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""What the primary has: the legacy documents of categories, all of one revision (sync.md section 3)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp
from prometheus_client import Histogram

from service_kit.call_metrics import measured
from service_kit.errors import ServiceError
from service_kit.http_fetch import PeerRefused, PeerUnavailable
from service_kit.retry import RetryPolicy, with_retries
from service_kit.revision_headers import X_MIN_REVISION, X_REVISION, X_STALE
from service_kit.telemetry import CALL_SECONDS, Telemetry

ATTEMPTS: Final = 3
MAX_PAUSE_SECONDS: Final = 15.0
FIRST_PAUSE_SECONDS: Final = 7.5
MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024
MAX_AT_ONCE: Final = 4
CHUNK_BYTES: Final = 64 * 1024
REVISION_DIGITS: Final = 18
NEIGHBOUR: Final = "primary"


@dataclass(frozen=True, slots=True)
class PrimaryDocuments:
    """The answers for some categories: bodies, and why there is none.

    All bodies are of `revision`; None when the primary does not tell revisions.
    """

    revision: int | None
    bodies: Mapping[str, bytes]
    failures: Mapping[str, str]


class DocumentSource(Protocol):
    """Where the wanted documents come from: a primary somewhere, or the process that this runs in."""

    async def documents(self, categories: Iterable[str], min_revision: int | None = None) -> PrimaryDocuments:
        """Return the documents of the categories, of one revision that is at least `min_revision`.

        A category that cannot be had is named in `failures`; nothing is raised.
        """

    async def revision(self, category: str) -> int | None:
        """Return the newest revision; None when it is not told. Raises `ServiceError`.

        Some category has to be named; whether there is a document of it does not matter.
        """


@dataclass(frozen=True, slots=True)
class _Answer:
    body: bytes
    revision: int | None


_Answers = dict[str, "_Answer | ServiceError"]


@dataclass(frozen=True, slots=True)
class PrimaryTiming:
    """How patiently the primary is asked."""

    request_seconds: float = 30.0
    first_pause_seconds: float = FIRST_PAUSE_SECONDS
    max_pause_seconds: float = MAX_PAUSE_SECONDS

    @property
    def policy(self) -> RetryPolicy:
        """The tries and pauses of one question."""
        deadline = ATTEMPTS * (self.request_seconds + self.max_pause_seconds)
        return RetryPolicy(ATTEMPTS, self.first_pause_seconds, self.max_pause_seconds, deadline)


class Primary:
    """Asks the primary over HTTP. Implements `DocumentSource`.

    `base_url` is its address with its root path.
    """

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, policy: RetryPolicy, telemetry: Telemetry
    ) -> None:
        self._session = session
        self._base_url = base_url
        self._policy = policy
        self._count_retry = telemetry.retries.labels(NEIGHBOUR).inc
        self._calls = Histogram(
            "sync_primary_call_seconds",
            "Calls to the primary.",
            ["operation", "outcome"],
            registry=telemetry.registry,
            buckets=CALL_SECONDS,
        )

    async def documents(self, categories: Iterable[str], min_revision: int | None = None) -> PrimaryDocuments:
        asked = tuple(categories)
        answers = await self._all(asked, min_revision, None)
        revision = _newest(answers)
        behind = [name for name, answer in answers.items() if _is_behind(answer, revision)]
        if behind:  # a change came between the answers: the others are asked for as they were then
            answers |= await self._all(behind, revision, revision)
        bodies, failures = {}, {}
        for name, answer in answers.items():
            if isinstance(answer, ServiceError):
                failures[name] = f"the primary: {answer}"
            elif answer.revision != revision:
                failures[name] = f"the primary does not answer as of revision {revision}"
            else:
                bodies[name] = answer.body
        return PrimaryDocuments(revision, bodies, failures)

    async def revision(self, category: str) -> int | None:
        with measured(self._calls, "revision"):
            async with self._answer("HEAD", category, {}, {}) as answer:
                if answer.status != 404:
                    _require_usable(answer)
                return _revision(answer.headers.get(X_REVISION))

    async def _all(
        self, categories: Iterable[str], min_revision: int | None, revision: int | None
    ) -> _Answers:
        turns = asyncio.Semaphore(MAX_AT_ONCE)

        async def one(category: str) -> _Answer | ServiceError:
            async with turns:
                try:
                    return await self._document(category, min_revision, revision)
                except ServiceError as error:
                    return error

        names = list(categories)
        return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))

    async def _document(self, category: str, min_revision: int | None, revision: int | None) -> _Answer:
        headers = {} if min_revision is None else {str(X_MIN_REVISION): str(min_revision)}
        query = {} if revision is None else {"revision": str(revision)}

        async def once() -> _Answer:
            with measured(self._calls, "document"):
                async with self._answer("GET", category, query, headers) as answer:
                    _require_usable(answer)
                    return _Answer(await _bounded(answer), _revision(answer.headers.get(X_REVISION)))

        try:
            return await with_retries(once, self._policy, on_retry=self._count_retry)
        except TimeoutError as error:
            raise PeerUnavailable("no answer in time") from error

    @contextlib.asynccontextmanager
    async def _answer(
        self, method: str, category: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = f"{self._base_url}/model_references/v1/{category}"
        try:
            async with self._session.request(method, url, params=query, headers=headers) as answer:
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PeerUnavailable(f"cannot be reached ({type(error).__name__})") from error


def _require_usable(answer: aiohttp.ClientResponse) -> None:
    if answer.status == 429 or answer.status >= 500:
        raise PeerUnavailable(f"answered with status {answer.status}")
    if answer.status != 200:
        raise PeerRefused(f"answered with status {answer.status}")
    if answer.headers.get(X_STALE, "").lower() == "true":
        raise PeerUnavailable("cannot see its newest revision at the moment")


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise PeerRefused(f"sends more than {MAX_DOCUMENT_BYTES} bytes")
    return bytes(body)


def _revision(text: str | None) -> int | None:
    usable = text is not None and text.isascii() and text.isdecimal() and len(text) <= REVISION_DIGITS
    return int(text) if usable and text is not None else None


def _newest(answers: _Answers) -> int | None:
    revisions = [answer.revision for answer in answers.values() if isinstance(answer, _Answer)]
    return max((revision for revision in revisions if revision is not None), default=None)


def _is_behind(answer: _Answer | ServiceError, revision: int | None) -> bool:
    return isinstance(answer, _Answer) and answer.revision is not None and answer.revision != revision


@contextlib.asynccontextmanager
async def open_primary(base_url: str, timing: PrimaryTiming, telemetry: Telemetry) -> AsyncIterator[Primary]:
    """Yield a client of the primary."""
    timeout = aiohttp.ClientTimeout(total=timing.request_seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield Primary(session, base_url, timing.policy, telemetry)

"""Fetches legacy files from GitHub and makes v2 documents of them (python-client.md section 5)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final, NamedTuple

from horde_model_reference.github_sources import GithubPlan, legacy_file_urls
from horde_model_reference.meta_consts import get_category_descriptor
from horde_model_reference.no_fork import no_fork
from horde_model_reference.replica.errors import SourceFailed, SourceRefused, SourceUnusable
from horde_model_reference.replica.fetching import Fetcher
from horde_model_reference.replica.json_documents import Records, read_records
from horde_model_reference.shown_urls import shown_url

TIMEOUT_SECONDS: Final = 30.0
MAX_FILE_BYTES: Final = 64 * 1024 * 1024

log = logging.getLogger(__name__)


class GithubDocument(NamedTuple):
    """A legacy file as it is, and the v2 document made of it."""

    category: str
    legacy: bytes
    v2: bytes
    value: Records


class _Conversion(NamedTuple):
    """What was made of the legacy file with this hash: little enough to be kept."""

    of: bytes
    v2: bytes


class GithubClient:
    """Asks the two repositories. Without a fetcher it has one of its own, which `close` closes.

    A file that is as it was gives the very document that it gave before: another conversion would only
    give its records other times.
    """

    def __init__(
        self,
        plan: GithubPlan,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        fetcher: Fetcher | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._plan = plan
        self._sleep = sleep
        self._last: dict[str, _Conversion] = {}
        self._timeout_seconds = timeout_seconds
        self._own = Fetcher(timeout_seconds=timeout_seconds, attempts=1, max_body_bytes=MAX_FILE_BYTES)
        self._fetcher = fetcher or self._own

    async def document(self, category: str) -> GithubDocument | None:
        """Return the document of a category; None when GitHub has no file of it.

        Any failure is tried again after the pause, also one that says that there is no file, or a file that
        cannot be read: the branch may be about to change. Then the last kind of `SourceFailed` is raised.
        """
        url = legacy_file_urls(self._plan.image, self._plan.text).get(category)
        if url is None:
            return None
        for number in range(1, self._plan.attempts):
            try:
                return await self._try(category, url)
            except SourceFailed as error:
                log.debug("attempt %d: %s", number, error)
                await self._sleep(self._plan.backoff_seconds)
        return await self._try(category, url)

    async def close(self) -> None:
        """Close the fetcher that was made here."""
        await self._own.close()

    async def _try(self, category: str, url: str) -> GithubDocument:
        answer = await self._fetcher.get(url, timeout_seconds=self._timeout_seconds, attempts=1)
        if answer.status != 200:
            raise SourceRefused(f"{shown_url(url)}: status {answer.status}", answer.status)
        try:
            return await asyncio.to_thread(self._document, category, answer.body)
        except ValueError as error:  # `SourceUnreadable` among them
            raise SourceUnusable(f"{shown_url(url)}: {error}") from error

    def _document(self, category: str, body: bytes) -> GithubDocument:
        digest, last = sha256(body).digest(), self._last.get(category)
        v2 = last.v2 if last is not None and last.of == digest else _converted(category, body)
        document = GithubDocument(category, body, v2, read_records(v2))
        self._last[category] = _Conversion(digest, v2)
        return document


def _converted(category: str, body: bytes) -> bytes:
    with no_fork:
        from horde_model_reference.category_import import import_source  # noqa: PLC0415 - most never need it

    name = get_category_descriptor(category).legacy_filename
    imported = import_source(category, {name: body}, now=int(time.time()), previous=None)
    for rejected in imported.rejected:
        log.warning("%s of %s is left out: %s: %s", rejected.name, name, rejected.path, rejected.reason)
    return imported.documents.v2

"""Fetches legacy files from GitHub and makes v2 documents of them (python-client.md section 5)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.github_sources import GithubRepository, legacy_file_urls
from horde_model_reference.meta_consts import get_category_descriptor
from horde_model_reference.replica.errors import SourceFailed, SourceRefused, SourceUnusable
from horde_model_reference.replica.fetching import Fetcher, shown_url
from horde_model_reference.replica.json_documents import Records, read_records

TIMEOUT_SECONDS: Final = 30.0
MAX_FILE_BYTES: Final = 64 * 1024 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GithubDocument:
    """A legacy file as it is, and the v2 document made of it."""

    category: str
    legacy: bytes
    v2: bytes
    value: Records


class GithubClient:
    """Asks the two repositories. Without a fetcher it has one of its own, which `close` closes.

    A file that is as it was gives the very document that it gave before: another conversion would only
    give its records other times.
    """

    def __init__(  # noqa: PLR0913 - two repositories, and how patiently they are asked
        self,
        image: GithubRepository,
        text: GithubRepository,
        *,
        attempts: int,
        backoff_seconds: float,
        timeout_seconds: float = TIMEOUT_SECONDS,
        fetcher: Fetcher | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._image = image
        self._text = text
        self._attempts = max(1, attempts)
        self._backoff_seconds = backoff_seconds
        self._sleep = sleep
        self._last: dict[str, GithubDocument] = {}
        self._timeout_seconds = timeout_seconds
        self._own = Fetcher(timeout_seconds=timeout_seconds, attempts=1, max_body_bytes=MAX_FILE_BYTES)
        self._fetcher = fetcher or self._own

    async def document(self, category: str) -> GithubDocument | None:
        """Return the document of a category; None when GitHub has no file of it.

        Any failure is tried again after the pause, also one that says that there is no file, or a file that
        cannot be read: the branch may be about to change. Then the last kind of `SourceFailed` is raised.
        """
        url = legacy_file_urls(self._image, self._text).get(category)
        if url is None:
            return None
        for number in range(1, self._attempts):
            try:
                return await self._try(category, url)
            except SourceFailed as error:
                log.debug("attempt %d: %s", number, error)
                await self._sleep(self._backoff_seconds)
        return await self._try(category, url)

    async def close(self) -> None:
        """Close the fetcher that was made here."""
        await self._own.close()

    async def _try(self, category: str, url: str) -> GithubDocument:
        answer = await self._fetcher.get(url, timeout_seconds=self._timeout_seconds, attempts=1)
        if answer.status != 200:
            raise SourceRefused(f"{shown_url(url)}: status {answer.status}", answer.status)
        last = self._last.get(category)
        if last is not None and last.legacy == answer.body:
            return last
        try:
            self._last[category] = document = await asyncio.to_thread(_converted, category, answer.body)
        except (SourceUnreadable, ValueError) as error:
            raise SourceUnusable(f"{shown_url(url)}: {error}") from error
        return document


def _converted(category: str, body: bytes) -> GithubDocument:
    from horde_model_reference.category_import import import_source  # noqa: PLC0415 - most never need it

    name = get_category_descriptor(category).legacy_filename
    imported = import_source(category, {name: body}, now=int(time.time()), previous=None)
    for rejected in imported.rejected:
        log.warning("%s of %s is left out: %s: %s", rejected.name, name, rejected.path, rejected.reason)
    return GithubDocument(category, body, imported.documents.v2, read_records(imported.documents.v2))

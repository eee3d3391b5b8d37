"""The legacy documents, for the few programs that still read them (python-client.md section 3)."""

import asyncio
import logging
import time
from collections import defaultdict
from typing import Final, NamedTuple

from horde_model_reference.replica.disk_cache import DiskCache
from horde_model_reference.replica.errors import SourceFailed
from horde_model_reference.replica.github_client import GithubClient
from horde_model_reference.replica.primary_answers import NotModified
from horde_model_reference.replica.primary_source import PrimarySource

PAUSE_SECONDS: Final = 10.0
"""So long at most what failed is not tried again."""

log = logging.getLogger(__name__)


class _Held(NamedTuple):
    text: str | None
    etag: str | None
    until: float


class LegacyTexts:
    """Holds the texts for a while; then they are asked for again, and kept where that fails."""

    def __init__(
        self, primary: PrimarySource | None, github: GithubClient | None, disk: DiskCache, ttl_seconds: float
    ) -> None:
        self._primary = primary
        self._github = github
        self._disk = disk
        self._ttl_seconds = ttl_seconds
        self._held: dict[str, _Held] = {}
        self._loading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def text(self, category: str, *, anew: bool = False) -> str | None:
        """Return the document as it is served, None if no source has it."""
        async with self._loading[category]:
            held = self._held.get(category)
            if held is not None and not anew and held.until > time.monotonic():
                return held.text
            found = await self._find(category, held)
            self._held[category] = found
            return found.text

    async def _find(self, category: str, held: _Held | None) -> _Held:
        until = time.monotonic() + self._ttl_seconds
        if self._primary is not None:
            try:
                answer = await self._primary.legacy_text(category, held.etag if held is not None else None)
            except SourceFailed as error:
                log.info("the PRIMARY does not give the legacy document of %s: %s", category, error)
            else:
                if not isinstance(answer, NotModified):
                    return _Held(_text(answer.body), answer.etag, until)
                if held is not None:
                    return held._replace(until=until)
        if held is not None and held.text is not None:
            return held._replace(until=self._soon())
        body = await self._from_below(category)
        return _Held(None, None, self._soon()) if body is None else _Held(_text(body), None, until)

    def _soon(self) -> float:
        return time.monotonic() + min(self._ttl_seconds, PAUSE_SECONDS)

    async def _from_below(self, category: str) -> bytes | None:
        if self._github is not None:
            try:
                document = await self._github.document(category)
            except SourceFailed as error:
                log.info("the legacy document of %s is not to be had from GitHub: %s", category, error)
            else:
                if document is not None:
                    await asyncio.to_thread(self._disk.write_legacy, category, document.legacy)
                    return document.legacy
        return await asyncio.to_thread(self._disk.read_legacy, category)


def _text(body: bytes) -> str:
    return body.decode(errors="replace")

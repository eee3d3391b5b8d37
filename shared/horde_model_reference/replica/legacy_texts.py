"""The legacy documents, for the few programs that still read them (python-client.md section 3)."""

import asyncio
import logging
import time
from dataclasses import dataclass

from horde_model_reference.replica.disk_cache import DiskCache
from horde_model_reference.replica.errors import SourceFailed
from horde_model_reference.replica.github_client import GithubClient
from horde_model_reference.replica.primary_answers import NotModified
from horde_model_reference.replica.primary_source import PrimarySource

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    text: str
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
        self._loading = asyncio.Lock()

    async def text(self, category: str, *, anew: bool = False) -> str | None:
        """Return the document as it is served, None if no source has it."""
        async with self._loading:
            held = self._held.get(category)
            if held is not None and not anew and held.until > time.monotonic():
                return held.text
            found = await self._find(category, held)
            if found is not None:
                self._held[category] = found
            return None if found is None else found.text

    async def _find(self, category: str, held: _Held | None) -> _Held | None:
        until = time.monotonic() + self._ttl_seconds
        if self._primary is not None:
            try:
                answer = await self._primary.legacy_text(category, held.etag if held is not None else None)
            except SourceFailed as error:
                log.info("the PRIMARY does not give the legacy document of %s: %s", category, error)
            else:
                if isinstance(answer, NotModified):
                    return None if held is None else _Held(held.text, held.etag, until)
                return _Held(answer.body.decode(), answer.etag, until)
        if held is not None:
            return held
        body = await self._from_below(category)
        return None if body is None else _Held(body.decode(), None, until)

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

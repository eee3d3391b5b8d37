"""A PRIMARY of which only what is signed is taken (architecture.md section 8)."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from horde_model_reference.replica.catalogue import Catalogue
from horde_model_reference.replica.copy_facts import sha256_of
from horde_model_reference.replica.errors import NotOffered, SourceUnavailable, SourceUnusable
from horde_model_reference.replica.fetching import Fetcher
from horde_model_reference.replica.primary_answers import LegacyDocument, NotModified
from horde_model_reference.replica.primary_source import PrimarySource
from horde_model_reference.replica.signature_check import SignedCatalogue, verify

REFUSED_SECONDS: Final = 10.0

NOT_FOUND: Final = 404
"""What a server says to who asks for the changes since a revision that is not there."""


class SignedPrimarySource(PrimarySource):
    """Checks the signature of each revision, and every document against the hash that is signed with it.

    So it takes whole documents only: differences are not signed.
    """

    takes_bundles = False
    takes_differences = False

    def __init__(
        self, url: str, fetcher: Fetcher, quick_fetcher: Fetcher, *, budget_seconds: float, public_key: str
    ) -> None:
        super().__init__(url, fetcher, quick_fetcher, budget_seconds=budget_seconds)
        self._public_key = public_key
        self._signed: SignedCatalogue | None = None
        self._vouching = asyncio.Lock()
        self._refused: tuple[int, float, SourceUnusable] | None = None

    async def legacy_text(self, category: str, etag: str | None) -> LegacyDocument | NotModified:
        """Return the legacy document of a category, signed, unless it is the one with this ETag."""
        answer = await super().legacy_text(category, etag)
        if isinstance(answer, LegacyDocument):
            _require((await self._vouched(answer.revision)).legacy_sha256, category, answer.body)
        return answer

    async def advanced(self, catalogue: Catalogue, at_least: int | None = None) -> Catalogue:
        """Return the anchored part as it is now: what differs from the signed hashes is loaded anew."""
        wanted = catalogue.revision if at_least is None else at_least
        names = sorted(catalogue.anchored)
        first = await self.load(names[0], catalogue.entries[names[0]], wanted)
        revision = (await self._vouched(first.revision)).revision
        if catalogue.revision is not None and revision < catalogue.revision:
            raise NotOffered(f"{self.url} does not have revision {catalogue.revision}", NOT_FOUND)
        if wanted is not None and revision < wanted:
            raise SourceUnavailable(f"{self.url} is at revision {revision}, behind {wanted}")
        hashes = (await self._vouched(revision)).v2_sha256
        entries = {names[0]: first.entry}
        for name in names[1:]:
            entry = catalogue.entries[name]
            if hashes.get(name) != sha256_of(entry.raw.body):
                entries[name] = await self.load_at(name, revision)
        return catalogue.with_entries(entries, revision)

    async def _vouch(self, category: str, body: bytes, revision: int | None) -> None:
        signed = await self._vouched(revision)
        try:
            _require(signed.v2_sha256, category, body)
        except SourceUnusable:
            self._signed = None  # of a journal that was begun anew the number may stand for something else
            raise

    async def _vouched(self, revision: int | None) -> SignedCatalogue:
        """Return what is signed at a revision. What was refused is asked for again only after a while."""
        if revision is None:
            raise SourceUnusable(f"{self.url} does not sign: it knows no revisions")
        if self._signed is not None and self._signed.revision == revision:
            return self._signed
        async with self._vouching:
            if self._refused is not None:
                refused, until, error = self._refused
                if refused == revision and time.monotonic() < until:
                    raise error
            if self._signed is None or self._signed.revision != revision:
                self._signed = await self._verified(revision)
            return self._signed

    async def _verified(self, revision: int) -> SignedCatalogue:
        async with self._asking() as client:
            entry = await client.revision_entry(revision)
        try:
            return await asyncio.to_thread(_verified, entry, self._public_key, revision)
        except SourceUnusable as error:
            self._refused = (revision, time.monotonic() + REFUSED_SECONDS, error)
            raise


def _verified(entry: bytes, public_key: str, revision: int) -> SignedCatalogue:
    signed = verify(entry, public_key)
    if signed.revision != revision:
        raise SourceUnusable(f"the entry of revision {revision} is that of {signed.revision}")
    return signed


def _require(hashes: Mapping[str, str], category: str, body: bytes) -> None:
    expected = hashes.get(category)
    if expected != sha256_of(body) and not (expected is None and body == b"{}"):
        raise SourceUnusable(f"{category}: the document is not the one that was signed")

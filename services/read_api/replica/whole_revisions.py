"""Copies of whole revisions, from a PRIMARY that knows revisions."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from horde_model_reference.replica.errors import SourceFailed, SourceUnusable
from read_api.domain.categories import CATEGORIES, has_legacy_form
from read_api.replica.bundles import bundle_steps
from read_api.replica.copies import Copy, in_order, is_empty
from read_api.replica.primary import Hashes, Primary, RevisionFacts
from read_api.replica.together import together
from registry.catalogue import CategoryBlobs
from registry.content import CatalogueContent, CategoryContent
from service_kit.slices import Workshop

CHANGES_RECORDS_ONLY: Final = "applied"
"""The kind of revision that leaves alone what is stored beside the records."""

REQUESTS_AT_ONCE: Final = 4

log = logging.getLogger(__name__)


class WholeRevisions:
    """Brings revisions of a PRIMARY, each wholly or not at all. Everything raises `SourceFailed`."""

    def __init__(self, primary: Primary, workshop: Workshop) -> None:
        self._primary = primary
        self._workshop = workshop
        self._requests = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def load(self, current: Copy | None, revision: int) -> Copy:
        """Return a copy of the revision, or of a later one.

        From the one before it a step is taken: only what differs is fetched. Else everything is.
        """
        if current is not None and current.follows(self._primary.base_url):
            try:
                step = await self._step(current, revision)
            except SourceFailed as error:  # what does not tell enough of one revision may still have a bundle
                log.info("revision %d cannot be had in parts: %s", revision, error)
                step = None
            if step is not None:
                return step
        return await self._whole(current, revision)

    async def confirms(self, current: Copy) -> bool:
        """Whether the PRIMARY has the very documents of the copy under its number."""
        try:
            facts = await self._primary.facts(current.revision)
        except SourceFailed:
            return False
        return not _different(current.content, facts.hashes)

    async def _step(self, current: Copy, revision: int) -> Copy | None:
        if revision != current.revision + 1:
            return None
        facts = await self._primary.facts(revision)
        if facts.kind != CHANGES_RECORDS_ONLY:
            return None
        changed = [name for name in _different(current.content, facts.hashes) if name in facts.hashes]
        loading = (self._category(name, facts, current.content.categories.get(name)) for name in changed)
        loaded = {one.category: one for one in await together(loading)}
        categories = {**current.content.categories, **loaded}
        content = CatalogueContent(
            revision=revision,
            sequence=facts.sequence,
            committed_at=facts.committed_at,
            categories=in_order({name: categories[name] for name in facts.hashes if name in categories}),
            side_data=current.content.side_data,
        )
        return replace(current, content=content)

    async def _category(
        self, name: str, facts: RevisionFacts, known: CategoryContent | None
    ) -> CategoryContent:
        hashes = _served_hashes(name, facts.hashes[name])
        v2 = known.v2 if known is not None and known.blobs.v2 == hashes.v2 else None
        legacy = known.legacy if known is not None and known.blobs.legacy == hashes.legacy else None
        if v2 is None:
            v2 = await self._document("v2", name, facts.revision, hashes.v2)
        if legacy is None and hashes.legacy is not None:
            legacy = await self._document("v1", name, facts.revision, hashes.legacy)
        return CategoryContent(category=name, blobs=hashes, v2=v2, legacy=legacy)

    async def _document(self, version: str, category: str, revision: int, digest: str) -> bytes:
        async with self._requests:
            return await self._primary.document_at(version, category, revision, digest)

    async def _whole(self, current: Copy | None, revision: int) -> Copy:
        body = await self._primary.bundle(revision)
        content = await self._workshop.run(bundle_steps(body))
        if content.revision < revision:
            raise SourceUnusable(f"the bundle is of revision {content.revision}, {revision} was asked for")
        files = await self._primary.files(content.revision)
        if files is None and current is not None:
            files = current.content.side_data.files
        side_data = content.side_data.model_copy(update={"files": dict(files or {})})
        return Copy(
            content=replace(content, side_data=side_data),
            origin="primary",
            source_url=self._primary.base_url,
            is_numbered_here=False,
            canonical_format=None if current is None else current.canonical_format,
        )


def _different(content: CatalogueContent, hashes: Mapping[str, Hashes]) -> list[str]:
    """Return the categories whose documents are other ones, or that only one side has.

    A bundle shows some categories as empty that were never put there.
    """
    known = {name: one.blobs for name, one in content.categories.items()}
    wanted = {name: _served_hashes(name, one) for name, one in hashes.items()}
    never = {name for name, one in content.categories.items() if name not in wanted and is_empty(one.v2)}
    return [name for name in CATEGORIES if known.get(name) != wanted.get(name) and name not in never]


def _served_hashes(category: str, hashes: Hashes) -> CategoryBlobs:
    return CategoryBlobs(v2=hashes.v2, legacy=hashes.legacy if has_legacy_form(category) else None)

"""Copies made document by document, from a PRIMARY that knows no revisions."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from horde_model_reference.replica.errors import SourceFailed, SourceUnavailable, SourceUnusable
from read_api.domain.categories import CATEGORIES, has_legacy_form
from read_api.replica.copies import Copy, category_content, content_of_own_count, is_empty
from read_api.replica.primary import Got, Primary, is_absent, told
from read_api.replica.together import together
from registry.catalogue import SideData
from registry.content import CategoryContent

REQUESTS_AT_ONCE: Final = 6
ROUND_SECONDS: Final = 60.0  # a server that lives, but never sends a document, costs no more


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a round: the copy as it is now, and what was not taken over, in words for everybody."""

    copy: Copy
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """A document as it is to be; `problem` says why what the PRIMARY has now is not taken over."""

    body: bytes | None
    problem: str = ""
    error: SourceFailed | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    content: CategoryContent | None
    problems: tuple[str, ...]
    error: SourceFailed | None


class SingleDocuments:
    """Brings the documents of a PRIMARY as they are now.

    What was there and is empty or missing now is kept: without revisions nothing tells an emptied catalogue
    from a broken one. The two documents of a category change together or not at all.
    """

    def __init__(self, primary: Primary) -> None:
        self._primary = primary
        self._tags: dict[tuple[str, str], Got] = {}
        self._requests = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def load(self, current: Copy | None) -> Loaded:
        """Return the copy as it is now.

        Raises `SourceFailed` when no document at all could be had, or nothing is in any of them.
        """
        known = {} if current is None else current.content.categories
        settling = (self._category(name, known.get(name)) for name in CATEGORIES)
        try:
            async with asyncio.timeout(ROUND_SECONDS):
                found = await together(settling)
                files = await self._primary.files()
        except TimeoutError as error:
            raise SourceUnavailable(f"the documents did not arrive within {ROUND_SECONDS:g} s") from error
        errors = [one.error for one in found if one.error is not None]
        if len(errors) == len(found):
            raise errors[0]
        categories = {one.content.category: one.content for one in found if one.content is not None}
        if all(is_empty(one.v2) for one in categories.values()):
            raise SourceUnusable("there is no catalogue yet")
        problems = tuple(problem for one in found for problem in one.problems)
        return Loaded(self._copy(current, categories, files), problems)

    def _copy(
        self,
        current: Copy | None,
        categories: Mapping[str, CategoryContent],
        files: Mapping[str, str] | None,
    ) -> Copy:
        side_data = current.content.side_data if current and current.origin != "github" else SideData()
        if files is not None:
            side_data = side_data.model_copy(update={"files": dict(files)})
        return Copy(
            content=content_of_own_count(current, categories, side_data),
            origin="documents",
            source_url=self._primary.base_url,
            is_numbered_here=True,
            canonical_format=current.canonical_format if current else None,
        )

    async def _category(self, name: str, known: CategoryContent | None) -> _Found:
        v2 = await self._document("v2", name, known.v2 if known else None)
        legacy = Settled(None)
        if has_legacy_form(name):
            legacy = await self._document("v1", name, known.legacy if known else None)
        problems = tuple(f"{name}: {one.problem}" for one in (v2, legacy) if one.problem)
        if known is not None and (v2.error or legacy.error):
            return _Found(known, problems, v2.error)
        if v2.body is None:
            return _Found(None, problems, v2.error)
        if known is not None and (known.v2, known.legacy) == (v2.body, legacy.body):
            return _Found(known, problems, None)
        content = await asyncio.to_thread(category_content, name, v2.body, legacy.body)
        return _Found(content, problems, None)

    async def _document(self, version: str, category: str, known: bytes | None) -> Settled:
        key = version, category
        tag = self._tags.get(key)
        asked = tag.tag if tag is not None and tag.body == known else None
        ask = self._primary.v2_document if version == "v2" else self._primary.v1_document
        try:
            async with self._requests:
                got = await ask(category, asked)
        except SourceFailed as error:
            return settled(known, None if is_absent(error) else error)
        if got is None:
            return Settled(known)
        answer = settled(known, got.body)
        if answer.body is got.body:
            self._tags[key] = got
        return answer


def settled(known: bytes | None, found: bytes | SourceFailed | None) -> Settled:
    """Return what a document is to be: `known` is what it was, None as what was found says there is none."""
    if isinstance(found, SourceFailed):
        return Settled(known, told(found), found)
    if known is not None and not is_empty(known):
        if found is None:
            return Settled(known, "what was there is missing now")
        if is_empty(found):
            return Settled(known, "what was there is empty now")
    return Settled(found)

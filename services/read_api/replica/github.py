"""Copies made from the legacy repositories on GitHub, as a PRIMARY that was seeded from them would be."""

import asyncio
import hashlib
import time
from collections.abc import Mapping
from typing import Final

from horde_model_reference.documents import CategoryDocuments, SourceUnreadable
from horde_model_reference.github_sources import GithubRepository
from horde_model_reference.replica.errors import SourceUnavailable, SourceUnusable
from read_api.replica.copies import Copy, category_content, content_of_own_count
from read_api.settings import ReadApiSettings
from registry.content import CategoryContent
from registry.seeding import SeedPlan, make_plan
from registry.sources import MAX_FILE_BYTES, SeedSource, fetch_repositories
from service_kit.http_fetch import open_fetch
from service_kit.retry import RetryPolicy
from service_kit.telemetry import Telemetry

POLICY: Final = RetryPolicy(attempts=2, first_pause_seconds=0.5, max_pause_seconds=2.0, deadline_seconds=15.0)
"""Brief: the PRIMARY has to have its turn again."""


def repository_urls(settings: ReadApiSettings) -> dict[str, str]:
    """Return the addresses below which the files of both repositories lie."""
    proxy_url = settings.github_proxy_url_base
    return {
        folder: GithubRepository(
            owner=chosen.owner, name=chosen.name, branch=chosen.branch, proxy_url=proxy_url
        ).raw_base_url
        for folder, chosen in (("image", settings.image_github_repo), ("text", settings.text_github_repo))
    }


class GithubFiles:
    """Brings what the repositories have now, all of it or nothing."""

    def __init__(self, settings: ReadApiSettings, telemetry: Telemetry) -> None:
        self._urls = repository_urls(settings)
        self._telemetry = telemetry
        self._documents: Mapping[str, CategoryDocuments] = {}  # so that what stays keeps its times

    async def load(self, current: Copy | None) -> Copy:
        """Return the copy as it is now. Raises `SourceFailed`."""
        try:
            async with open_fetch(
                "github", max_bytes=MAX_FILE_BYTES, policy=POLICY, telemetry=self._telemetry
            ) as fetch:
                source = await fetch_repositories(fetch, self._urls)
        except SourceUnreadable as error:
            raise SourceUnavailable(str(error)) from error
        tag = await asyncio.to_thread(_tag, source)
        if current is not None and current.origin == "github" and current.source_tag == tag:
            return current
        return await asyncio.to_thread(self._copy, source, tag, current)

    def _copy(self, source: SeedSource, tag: str, current: Copy | None) -> Copy:
        try:
            plan = make_plan(source, self._documents, None, int(time.time()))
        except SourceUnreadable as error:
            raise SourceUnusable(f"GitHub: {error}") from error
        self._documents = plan.documents
        return Copy(
            content=content_of_own_count(current, _categories(plan), plan.side_data),
            origin="github",
            source_url=self._urls["image"],
            is_numbered_here=True,
            source_tag=tag,
        )


def _categories(plan: SeedPlan) -> dict[str, CategoryContent]:
    return {name: category_content(name, one.v2, one.legacy) for name, one in plan.documents.items()}


def _tag(source: SeedSource) -> str:
    """Return what identifies the files."""
    digest = hashlib.sha256()
    for files in (*source.categories.values(), source.passed_on):
        for name, body in sorted(files.items()):
            digest.update(f"{name} {len(body)}\n".encode())
            digest.update(body)
    return digest.hexdigest()

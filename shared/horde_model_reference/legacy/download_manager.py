"""Copies of the legacy files on GitHub, below `{base}/legacy` (python-client.md sections 5 and 6)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from horde_model_reference.backends.file_replacement import replace_files
from horde_model_reference.backends.reference_files import (
    WRITE_LOCK,
    WRITE_LOCK_SECONDS,
    ReferenceFiles,
    base_folder,
)
from horde_model_reference.files.locking import locked
from horde_model_reference.github_sources import GithubRepository
from horde_model_reference.meta_consts import (
    as_category,
    get_all_registered_categories,
    get_category_descriptor,
    is_registered_category,
)
from horde_model_reference.no_fork import no_fork
from horde_model_reference.path_consts import horde_model_reference_paths
from horde_model_reference.settings import horde_model_reference_settings


class _LegacyFiles(Protocol):
    def fetch(self, categories: Iterable[str]) -> dict[str, bytes | None]: ...

    async def fetch_async(self, categories: Iterable[str]) -> dict[str, bytes | None]: ...


class LegacyReferenceDownloadManager:
    """Downloads the legacy file of a category as it is, and only if it can be read as what it should be.

    What is not given comes from the settings. A file that is there stays unless it is to be overwritten; a
    failed download changes nothing and is logged. Raises `OSError` where nothing can be written.
    """

    def __init__(
        self,
        *,
        base_path: Path | str | None = None,
        image_repository: GithubRepository | None = None,
        text_repository: GithubRepository | None = None,
        retry_max_attempts: int | None = None,
        retry_backoff_seconds: float | None = None,
    ) -> None:
        given_base = horde_model_reference_paths.base_path if base_path is None else base_path
        self._files = ReferenceFiles(base_folder(given_base))
        self._plan = horde_model_reference_settings.github_plan(
            image=image_repository,
            text=text_repository,
            attempts=retry_max_attempts,
            backoff_seconds=retry_backoff_seconds,
        )

    def get_legacy_file_path(self, category: str) -> Path | None:
        """Return where the file of a category lies, or would lie; None when GitHub has none for it."""
        return self._files.source(category) if _is_on_github(category) else None

    def is_downloaded(self, category: str) -> bool:
        """Say whether the file of a category is there."""
        path = self.get_legacy_file_path(category)
        return path is not None and path.is_file()

    def download_legacy_reference(self, category: str, overwrite_existing: bool = False) -> Path | None:
        """Return the file of a category, downloaded if need be; None when it could not be had."""
        found = self.download_legacy_references([category], overwrite_existing=overwrite_existing)
        return found[category]

    def download_all_legacy_references(self, overwrite_existing: bool = False) -> dict[str, Path | None]:
        """Do so for every category that GitHub has, all at the same time."""
        return self.download_legacy_references(_on_github(), overwrite_existing=overwrite_existing)

    def download_legacy_references(
        self, categories: Iterable[str], *, overwrite_existing: bool = False
    ) -> dict[str, Path | None]:
        """Do so for these categories, all at the same time."""
        wanted = [as_category(category) for category in categories]
        missing = self._to_fetch(wanted, overwrite_existing)
        bodies = self._place().fetch(missing) if missing else {}
        return self._stored(wanted, bodies)

    async def download_legacy_reference_async(
        self, category: str, overwrite_existing: bool = False, *, httpx_client: object = None
    ) -> Path | None:
        """Do the same as `download_legacy_reference`, without blocking the loop."""
        found = await self.download_legacy_references_async(
            [category], overwrite_existing=overwrite_existing, httpx_client=httpx_client
        )
        return found[category]

    async def download_all_legacy_references_async(
        self, overwrite_existing: bool = False, *, httpx_client: object = None
    ) -> dict[str, Path | None]:
        """Do the same as `download_all_legacy_references`, without blocking the loop."""
        return await self.download_legacy_references_async(
            _on_github(), overwrite_existing=overwrite_existing, httpx_client=httpx_client
        )

    async def download_legacy_references_async(
        self,
        categories: Iterable[str],
        *,
        overwrite_existing: bool = False,
        httpx_client: object = None,  # noqa: ARG002 - callers may pass it, nothing needs it
    ) -> dict[str, Path | None]:
        """Do the same as `download_legacy_references`, without blocking the loop."""
        import asyncio  # noqa: PLC0415 - programs without a loop need not load it

        wanted = [as_category(category) for category in categories]
        missing = await asyncio.to_thread(self._to_fetch, wanted, overwrite_existing)
        bodies = await self._place().fetch_async(missing) if missing else {}
        return await asyncio.to_thread(self._stored, wanted, bodies)

    def _place(self) -> _LegacyFiles:
        with no_fork:
            from horde_model_reference.legacy.github_files import GithubPlace  # noqa: PLC0415 - the HTTP stack

        return GithubPlace(self._plan)

    def _to_fetch(self, categories: Iterable[str], overwrite_existing: bool) -> list[str]:
        return [
            category
            for category in categories
            if _is_on_github(category) and (overwrite_existing or not self.is_downloaded(category))
        ]

    def _stored(
        self, categories: Iterable[str], bodies: Mapping[str, bytes | None]
    ) -> dict[str, Path | None]:
        """Write what was fetched, and return the file of each category; None where nothing was to be had."""
        paths = {category: self.get_legacy_file_path(category) for category in categories}
        failed = {category for category, body in bodies.items() if body is None}
        new = {self._files.source(category): body for category, body in bodies.items() if body is not None}
        if new:
            with locked(self._files.base / WRITE_LOCK, timeout_seconds=WRITE_LOCK_SECONDS):
                replace_files(self._files.base, new)
        return {category: None if category in failed else path for category, path in paths.items()}


def _is_on_github(category: str) -> bool:
    return is_registered_category(category) and get_category_descriptor(category).github_source is not None


def _on_github() -> list[str]:
    return [category for category in get_all_registered_categories() if _is_on_github(category)]

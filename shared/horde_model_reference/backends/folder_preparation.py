"""What a PRIMARY does to its folder before the first use: seed it, complete its files, stamp its records."""

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Protocol

from horde_model_reference.backends.file_replacement import finish_replacement, replace_files
from horde_model_reference.backends.reference_files import (
    EMPTY_V2,
    WRITE_LOCK,
    WRITE_LOCK_SECONDS,
    ReferenceFiles,
)
from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.files.locking import locked
from horde_model_reference.meta_consts import (
    SCHEMA_VERSION,
    CategoryDescriptor,
    get_all_registered_categories,
)
from horde_model_reference.v2_format import parse_v2, render_v2

log = logging.getLogger(__name__)

SEED_LOCK: Final = ".seed.lock"
SEED_LOCK_SECONDS: Final = 300.0
"""Downloading everything takes seconds; with all retries of a GitHub that hangs some minutes."""

RETRY_SECONDS: Final = 60.0
"""How long a folder that could not be prepared is used as it is before the next attempt."""


class LegacySource(Protocol):
    """Where legacy files come from when a folder has none."""

    def download_legacy_references(
        self, categories: Iterable[str], *, overwrite_existing: bool = False
    ) -> dict[str, Path | None]:
        """Put the files of these categories in their places; None for one that could not be had."""


class FolderPreparation:
    """Prepares a folder once; what fails is logged, and tried again later. Any number may do it at a time.

    A category that was never written is seeded, if there is a source; one that was is never overwritten.
    Forms that are missing are made from those that are there. Records without times get them unless
    `stamps_records` is false.
    """

    def __init__(
        self,
        files: ReferenceFiles,
        *,
        source: LegacySource | None,
        stamps_records: bool,
        lock_seconds: float = WRITE_LOCK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = files
        self._lock_seconds = lock_seconds
        self._source = source
        self._stamps_records = stamps_records
        self._clock = clock
        self._is_done = False
        self._not_before = float("-inf")

    def ensure(self) -> None:
        """Return when the folder is prepared, or cannot be at present."""
        if self._is_done or self._clock() < self._not_before:
            return
        try:
            is_seeded = self._seed()
            with locked(self._files.base / WRITE_LOCK, timeout_seconds=self._lock_seconds):
                self._complete()
        except OSError as error:
            log.warning("%s is used as it is: %s", self._files.base, error)
            is_seeded = False
        if not is_seeded:
            self._not_before = self._clock() + RETRY_SECONDS
        self._is_done = is_seeded

    def _seed(self) -> bool:
        if self._source is None or not self._never_written():
            return True
        with locked(self._files.base / SEED_LOCK, timeout_seconds=SEED_LOCK_SECONDS):
            missing = self._never_written()
            if self._clock() < self._not_before:  # another thread has just tried in vain
                return False
            log.info("seeding %s from GitHub: %s", self._files.base, ", ".join(missing))
            found = self._source.download_legacy_references(missing)
        failed = [category for category in missing if found.get(category) is None]
        if failed:
            log.warning("not seeded, to be tried again: %s", ", ".join(failed))
        return not failed

    def _never_written(self) -> list[str]:
        return [
            category
            for category, descriptor in get_all_registered_categories().items()
            if descriptor.github_source is not None
            and not self._files.v2(category).exists()
            and not self._has_legacy_file(category)
        ]

    def _has_legacy_file(self, category: str) -> bool:
        return self._files.source(category).exists() or self._files.legacy(category).exists()

    def _complete(self) -> None:
        finish_replacement(self._files.base)
        now = int(time.time())
        contents: dict[Path, bytes] = {}
        for category, descriptor in get_all_registered_categories().items():
            try:
                contents |= self._missing_documents(category, descriptor, now)
            except SourceUnreadable as error:
                log.error("%s cannot be used: %s", category, error)  # noqa: TRY400 - the text says all
        if contents:
            replace_files(self._files.base, contents)

    def _missing_documents(
        self, category: str, descriptor: CategoryDescriptor, now: int
    ) -> dict[Path, bytes]:
        has_v2 = self._files.v2(category).exists()
        if not has_v2 and not descriptor.has_legacy_format:
            return {} if descriptor.managed_elsewhere else {self._files.v2(category): EMPTY_V2}
        if not has_v2 and not self._has_legacy_file(category):
            return {}
        documents = self._files.load(category, now=now)
        contents = self._files.contents(category, documents)
        missing = {path: body for path, body in contents.items() if not path.exists()}
        if has_v2 and self._stamps_records:
            stamped = with_stamps(documents.v2, now)
            missing |= {self._files.v2(category): stamped} if stamped is not documents.v2 else {}
        return missing


def with_stamps(v2: bytes, now: int) -> bytes:
    """Return the document with times in every record; the very same bytes if all have them.

    Raises `SourceUnreadable`.
    """
    records = parse_v2(v2)
    bare = [name for name, record in records.items() if isinstance(record, dict) and not _is_stamped(record)]
    if not bare:
        return v2
    for name in bare:
        records[name] = {**records[name], "metadata": _stamped(records[name].get("metadata"), now)}
    return render_v2(records)


def _is_stamped(record: dict[str, Any]) -> bool:
    metadata = record.get("metadata")
    return isinstance(metadata, dict) and None not in (metadata.get("created_at"), metadata.get("updated_at"))


def _stamped(metadata: object, now: int) -> dict[str, Any]:
    known = metadata if isinstance(metadata, dict) else {}
    given = {key: value for key, value in known.items() if value is not None}
    return {"schema_version": SCHEMA_VERSION, "created_at": now, "updated_at": now, **given}

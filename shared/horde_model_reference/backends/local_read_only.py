"""Reads the copies that another process keeps on the disk, and nothing else (python-client.md section 6)."""

# ruff: noqa: ARG002 - there is nothing to refresh

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from horde_model_reference.backends.base import ModelReferenceBackend, copy_in
from horde_model_reference.fork_safe_lock import ForkSafeLock
from horde_model_reference.lenient_json import object_or_none
from horde_model_reference.meta_consts import ReplicateMode, is_registered_category
from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.no_fork import no_fork
from horde_model_reference.record_building import build_records

if TYPE_CHECKING:
    from horde_model_reference.replica.disk_cache import DiskCache

LOOK_SECONDS: Final = 0.05
"""So long a file that was looked at counts as unchanged."""


class _File(NamedTuple):
    stamp: tuple[int, ...] | None
    records: Mapping[str, GenericModelRecord] | None
    until: float


class LocalReadOnlyBackend(ModelReferenceBackend):
    """The copies below `base_path`, looked at again at every read. No request, no writing, no thread.

    `cache_ttl_seconds` is accepted because every back end has one; a file is noticed sooner.
    """

    def __init__(self, *, base_path: Path | str, cache_ttl_seconds: float = 60) -> None:
        super().__init__(ReplicateMode.REPLICA)
        self._base_path = Path(base_path)
        self._cache_ttl_seconds = cache_ttl_seconds
        self._files: dict[str, _File] = {}
        self._reading = ForkSafeLock()
        self._opened: DiskCache | None = None

    @property
    def cache_ttl_seconds(self) -> float:
        """What was given; a file that was rewritten is noticed at the next read, whatever this says."""
        return self._cache_ttl_seconds

    def fetch_category(self, category: str, *, force_refresh: bool = False) -> dict[str, Any] | None:
        """Return the JSON in the file of a category; None: there is none, or it is damaged."""
        if not is_registered_category(category):
            return None
        document = self._disk.read(category)
        return None if document is None else document.value

    def recent(self, category: str) -> Mapping[str, GenericModelRecord] | None:
        """Return the records if their file was looked at a moment ago."""
        file = self._files.get(category)
        return file.records if file is not None and file.until > time.monotonic() else None

    def records(self, category: str) -> Mapping[str, GenericModelRecord] | None:
        """Return the records of the file as it is now; None: there is none, or it is damaged."""
        if not is_registered_category(category):
            return None
        with self._reading:
            known = self._files.get(category)
            stamp = self._disk.stamp(category)
            until = time.monotonic() + LOOK_SECONDS
            if known is not None and known.stamp == stamp:
                self._files[category] = _File(stamp, known.records, until)
                return known.records
            document = self._disk.read(category)
            records = None if document is None else build_records(category, document.value).records
            self._files[category] = _File(stamp if document is None else document.stamp, records, until)
        if known is not None:
            self._tell_listeners(category)
        return records

    def forget(self, category: str) -> None:
        """Have the records built anew at the next read."""
        self._files.pop(category, None)

    def mark_stale(self, category: str) -> None:
        """Have the file read at the next read, and tell the listeners."""
        self.forget(category)
        super().mark_stale(category)

    def has_cached_data(self, category: str) -> bool:
        """Say whether records of the category are in memory."""
        file = self._files.get(category)
        return file is not None and file.records is not None

    def get_category_file_path(self, category: str) -> Path | None:
        """Return where the copy of a category lies; None: there is none."""
        return copy_in(self._base_path, category)

    def get_legacy_json_string(self, category: str, redownload: bool = False) -> str | None:
        """Return the legacy file of a category; None: there is none, or it is no JSON."""
        if not is_registered_category(category):
            return None
        body = self._disk.read_legacy(category)
        if body is None or object_or_none(body) is None:
            return None
        return body.decode()

    @property
    def _disk(self) -> "DiskCache":
        if self._opened is None:
            with no_fork:
                from horde_model_reference.replica.disk_cache import DiskCache  # noqa: PLC0415

            self._opened = DiskCache(self._base_path, writable=False)
        return self._opened

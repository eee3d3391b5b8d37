"""The back end of a PRIMARY: the files of one folder are the truth (python-client.md section 5)."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from horde_model_reference.backends.base import ModelReferenceBackend, RecordLike
from horde_model_reference.backends.file_cache import FileCache
from horde_model_reference.backends.folder_preparation import FolderPreparation, LegacySource
from horde_model_reference.backends.metadata_files import new_metadata, read_metadata
from horde_model_reference.backends.record_edits import (
    Edit,
    delete_legacy,
    delete_v2,
    put_legacy,
    put_v2,
)
from horde_model_reference.backends.reference_files import ReferenceFiles, base_folder, has_legacy_form
from horde_model_reference.backends.reference_writer import AuditWriter, ReferenceWriter
from horde_model_reference.category_metadata import CategoryMetadata
from horde_model_reference.documents import ChangeRefused, SourceUnreadable
from horde_model_reference.legacy.download_manager import LegacyReferenceDownloadManager
from horde_model_reference.lenient_json import UnusableJson, read_object
from horde_model_reference.meta_consts import (
    CanonicalFormat,
    ReplicateMode,
    as_category,
    get_category_descriptor,
    is_registered_category,
)
from horde_model_reference.path_consts import horde_model_reference_paths
from horde_model_reference.settings import horde_model_reference_settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _LegacyForm:
    text: str
    value: dict[str, Any]


class FileSystemBackend(ModelReferenceBackend):
    """Reads and writes `{base}/{file of the category}`; the legacy form beside it follows, or leads.

    Files that others change are noticed at the next read. The first use prepares the folder (see
    `FolderPreparation`); making the object does not touch it. `seed_from` is where legacy files come from
    when there are none; without it, the settings decide whether that is GitHub.
    """

    def __init__(  # noqa: PLR0913 - the contract gives the first five
        self,
        *,
        base_path: Path | str = horde_model_reference_paths.base_path,
        cache_ttl_seconds: float = 60,
        replicate_mode: ReplicateMode | str = ReplicateMode.PRIMARY,
        skip_startup_metadata_population: bool = False,
        audit_writer: AuditWriter | None = None,
        canonical_format: CanonicalFormat | str | None = None,
        seed_from: LegacySource | None = None,
    ) -> None:
        super().__init__(replicate_mode)
        if self.replicate_mode is not ReplicateMode.PRIMARY:
            raise ValueError("FileSystemBackend holds the canonical data: its mode must be PRIMARY")
        self._files = ReferenceFiles(base_folder(base_path))
        self._cache_ttl_seconds = cache_ttl_seconds
        self._canonical_format = CanonicalFormat(
            canonical_format or horde_model_reference_settings.canonical_format
        )
        self._v2 = FileCache(_parse_v2, cache_ttl_seconds)
        self._legacy = FileCache(_parse_legacy, cache_ttl_seconds)
        self._writer = ReferenceWriter(self._files, audit_writer)
        if seed_from is None and horde_model_reference_settings.github_seed_enabled:
            seed_from = LegacyReferenceDownloadManager(base_path=self._files.base)
        self._preparation = FolderPreparation(
            self._files, source=seed_from, stamps_records=not skip_startup_metadata_population
        )

    @property
    def base_path(self) -> Path:
        """The folder of the v2 files."""
        return self._files.base

    @property
    def cache_ttl_seconds(self) -> float:
        """After how long a file is read again even if it seems to be the same."""
        return self._cache_ttl_seconds

    @property
    def canonical_format(self) -> CanonicalFormat:
        """The format in which records are written; the other one follows."""
        return self._canonical_format

    def fetch_category(self, category: str, *, force_refresh: bool = False) -> dict[str, Any] | None:
        if not is_registered_category(category):
            return None
        records = self._read(self._v2, category, self._files.v2(category), force=force_refresh)
        return None if records is None else dict(records)

    def get_legacy_json_string(self, category: str, redownload: bool = False) -> str | None:
        found = self._legacy_form(category, redownload)
        return None if found is None else found.text

    def get_legacy_json(self, category: str, redownload: bool = False) -> dict[str, Any] | None:
        found = self._legacy_form(category, redownload)
        return None if found is None else dict(found.value)

    def get_category_file_path(self, category: str) -> Path | None:
        return self._files.v2(category) if is_registered_category(category) else None

    def needs_refresh(self, category: str) -> bool:
        return is_registered_category(category) and self._v2.is_stale(self._files.v2(category))

    def mark_stale(self, category: str) -> None:
        self.forget(category)
        super().mark_stale(category)

    def forget(self, category: str) -> None:
        """Have the files of a category read again, for a caller that tells the listeners itself."""
        if is_registered_category(category):
            self._v2.mark_stale(self._files.v2(category))
            self._legacy.mark_stale(self._files.legacy(category))

    def supports_writes(self) -> bool:
        return self._canonical_format is CanonicalFormat.v2

    def supports_legacy_writes(self) -> bool:
        return self._canonical_format is CanonicalFormat.legacy

    def supports_cache_warming(self) -> bool:
        return True

    def supports_health_checks(self) -> bool:
        return True

    def supports_statistics(self) -> bool:
        return True

    def supports_metadata(self) -> bool:
        return True

    def update_model(self, category: str, model_name: str, record: RecordLike) -> None:
        """Create a v2 record, or put it in place of the whole record that is there.

        Where legacy is canonical, only categories without legacy form can be written. Raises `RecordInvalid`
        for a bad record, `KeyError` for an unknown category.
        """
        self._require_v2_writes(category)
        self._write(category, model_name, put_v2(category, model_name, record))

    def delete_model(self, category: str, model_name: str) -> None:
        self._require_v2_writes(category)
        self._write(category, model_name, delete_v2(category, model_name))

    def update_model_legacy(self, category: str, model_name: str, record: RecordLike) -> None:
        """Create a legacy record, or put it in place of the whole record that is there.

        Raises `RecordInvalid` for one that cannot become a v2 record, `KeyError` for an unknown category.
        """
        self._require_legacy_writes()
        self._write(category, model_name, put_legacy(category, model_name, record))

    def delete_model_legacy(self, category: str, model_name: str) -> None:
        self._require_legacy_writes()
        self._write(category, model_name, delete_legacy(category, model_name))

    def health_check(self) -> bool:
        """Say whether the folder is there and can be read and written, and no file in it is damaged."""
        base = self._files.base
        if not base.is_dir() or not os.access(base, os.R_OK | os.W_OK):
            return False
        paths = self.get_all_category_file_paths()
        return all(path is None or self.fetch_category(name) is not None for name, path in paths.items())

    def get_statistics(self) -> dict[str, Any]:
        """Return how much is in memory: `cached_categories` and `cached_legacy_categories`."""
        return {"cached_categories": len(self._v2), "cached_legacy_categories": len(self._legacy)}

    def get_metadata(self, category: str) -> CategoryMetadata:
        return self._metadata(category, self._canonical_format)

    def get_v2_metadata(self, category: str) -> CategoryMetadata:
        return self._metadata(category, CanonicalFormat.v2)

    def get_legacy_metadata(self, category: str) -> CategoryMetadata:
        return self._metadata(category, CanonicalFormat.legacy)

    def _read(self, cache: FileCache[T], category: str, path: Path, *, force: bool) -> T | None:
        self._preparation.ensure()
        reading = cache.get(path, force=force)
        if reading.changed:
            self._tell_listeners(category)
        return reading.value

    def _legacy_form(self, category: str, redownload: bool) -> _LegacyForm | None:
        if not has_legacy_form(category):
            return None
        return self._read(self._legacy, category, self._files.legacy(category), force=redownload)

    def _metadata(self, category: str, form: CanonicalFormat) -> CategoryMetadata:
        total_models = len(self.fetch_category(category) or {})
        found = read_metadata(self._files.metadata(category, form))
        known = found or new_metadata(category, self._files.written_at(category))
        return known.model_copy(update={"total_models": total_models})

    def _write(self, category: str, model_name: str, edit: Edit) -> None:
        known = as_category(category)
        if get_category_descriptor(known).managed_elsewhere:
            raise ChangeRefused(f"{known} is managed elsewhere: it has no records here")
        self._preparation.ensure()
        self._writer.write(known, model_name, edit)
        self.mark_stale(known)

    def _require_v2_writes(self, category: str) -> None:
        if self._canonical_format is not CanonicalFormat.v2 and has_legacy_form(category):
            raise self._unsupported("writing v2 records while the legacy format is canonical")

    def _require_legacy_writes(self) -> None:
        if self._canonical_format is not CanonicalFormat.legacy:
            raise self._unsupported("writing legacy records while the v2 format is canonical")


def _parse_v2(body: bytes) -> dict[str, dict[str, Any]]:
    value = _parse_object(body)
    if not all(isinstance(record, dict) for record in value.values()):
        raise SourceUnreadable("not every record is a JSON object")
    return value


def _parse_legacy(body: bytes) -> _LegacyForm:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceUnreadable(str(error)) from error
    return _LegacyForm(text, _parse_object(body))


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        return read_object(body)
    except UnusableJson as error:
        raise SourceUnreadable(str(error)) from error

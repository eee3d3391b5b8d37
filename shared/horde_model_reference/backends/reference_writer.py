"""Writing to a folder of references: no update is lost, no crash leaves half of one."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from horde_model_reference.backends.file_replacement import finish_replacement, replace_files
from horde_model_reference.backends.metadata_files import (
    new_metadata,
    read_metadata,
    render_metadata,
)
from horde_model_reference.backends.record_edits import Edit, Edited
from horde_model_reference.backends.reference_files import (
    WRITE_LOCK,
    WRITE_LOCK_SECONDS,
    ReferenceFiles,
    has_legacy_form,
)
from horde_model_reference.category_metadata import CategoryMetadata
from horde_model_reference.documents import CategoryDocuments
from horde_model_reference.files.locking import locked
from horde_model_reference.meta_consts import CanonicalFormat, OperationType
from horde_model_reference.v2_format import parse_v2


@dataclass(frozen=True, slots=True)
class WrittenRecord:
    """A record that was written or removed. `occurred_at` is in Unix seconds."""

    category: str
    model_name: str
    operation: OperationType
    occurred_at: int


AuditWriter = Callable[[WrittenRecord], object]
"""Is told of every record after it was written. What it raises comes out of the call that wrote."""


class ReferenceWriter:
    """Changes single records, one after the other, whoever else writes to the folder.

    The files are read anew under the lock. Both formats and the book-keeping change together.
    """

    def __init__(self, files: ReferenceFiles, audit_writer: AuditWriter | None) -> None:
        self._files = files
        self._audit_writer = audit_writer

    def write(self, category: str, model_name: str, edit: Edit) -> None:
        """Carry the edit out. What it refuses is raised, and counted as an error of the category.

        Raises `SourceUnreadable` for damaged files, `TimeoutError` when others write for too long, `OSError`.
        """
        with locked(self._files.base / WRITE_LOCK, timeout_seconds=WRITE_LOCK_SECONDS):
            finish_replacement(self._files.base)
            now = int(time.time())
            try:
                before = self._files.load(category, now=now)
                edited = edit(before, now)
            except (ValueError, KeyError):
                self._count_error(category, now)
                raise
            self._store(category, model_name, before, edited, now)
        if self._audit_writer is not None:
            self._audit_writer(WrittenRecord(category, model_name, edited.operation, now))

    def _store(
        self, category: str, model_name: str, before: CategoryDocuments, edited: Edited, now: int
    ) -> None:
        old = self._files.contents(category, before)
        new = self._files.contents(category, edited.documents)
        changed = {path: body for path, body in new.items() if old.get(path) != body or not path.exists()}
        total_models = len(parse_v2(edited.documents.v2))
        counted = {
            path: known.after(edited.operation, model_name, now=now, total_models=total_models)
            for path, known in self._metadata(category, now).items()
        }
        rendered = {path: render_metadata(metadata) for path, metadata in counted.items()}
        replace_files(self._files.base, {**changed, **rendered})

    def _count_error(self, category: str, now: int) -> None:
        counted = {path: known.after_an_error() for path, known in self._metadata(category, now).items()}
        rendered = {path: render_metadata(metadata) for path, metadata in counted.items()}
        with contextlib.suppress(OSError):  # why the edit failed is more important
            replace_files(self._files.base, rendered)

    def _metadata(self, category: str, now: int) -> dict[Path, CategoryMetadata]:
        """Return the book-keeping of every format in which a change of the category shows."""
        forms = list(CanonicalFormat) if has_legacy_form(category) else [CanonicalFormat.v2]
        paths = [self._files.metadata(category, form) for form in forms]
        made_at = self._files.written_at(category) or now
        return {path: read_metadata(path) or new_metadata(category, made_at) for path in paths}

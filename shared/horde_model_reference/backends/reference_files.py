"""The files of a folder of references: where they are, and which documents they hold.

The layout is that of data-model.md section 1.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from horde_model_reference.backends.missing_legacy import with_legacy_of_v2
from horde_model_reference.category_import import import_source
from horde_model_reference.documents import CategoryDocuments
from horde_model_reference.meta_consts import (
    MODEL_REFERENCE_CATEGORY,
    CanonicalFormat,
    get_category_descriptor,
    is_registered_category,
)
from horde_model_reference.path_consts import LEGACY_FOLDER_NAME, horde_model_reference_paths
from horde_model_reference.v2_format import render_v2

log = logging.getLogger(__name__)

TEXT_ENTRIES_FILE: Final = "db.json"
"""The expanded text models: what v1 serves. models.csv is the source that it is made from."""

EMPTY_V2: Final = render_v2({})
WRITE_LOCK: Final = ".write.lock"
"""The file in the base folder that a writer locks."""

WRITE_LOCK_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class ReferenceFiles:
    """The files below a base folder. Categories must be known, else `KeyError`."""

    base: Path

    def v2(self, category: str) -> Path:
        """Return the file of the v2 records."""
        return horde_model_reference_paths.get_model_reference_file_path(category, base_path=self.base)

    def source(self, category: str) -> Path:
        """Return the file that lies in the legacy repository too; of text models this is models.csv."""
        paths = horde_model_reference_paths
        return paths.get_legacy_model_reference_file_path(category, base_path=self.base)

    def legacy(self, category: str) -> Path:
        """Return the file of the legacy records; of text models this is db.json."""
        source = self.source(category)
        return source.with_name(TEXT_ENTRIES_FILE) if _is_text(category) else source

    def metadata(self, category: str, form: CanonicalFormat) -> Path:
        """Return the file of the book-keeping."""
        paths = horde_model_reference_paths
        if form is CanonicalFormat.v2:
            return paths.get_v2_metadata_file_path(category, base_path=self.base)
        return paths.get_legacy_metadata_file_path(category, base_path=self.base)

    def written_at(self, category: str) -> int:
        """Return when the v2 file was written, in Unix seconds; 0 when it is missing."""
        try:
            return int(self.v2(category).stat().st_mtime)
        except OSError:
            return 0

    def load(self, category: str, *, now: int) -> CategoryDocuments:
        """Return all documents of a category; a form whose file is missing is made from the other.

        Raises `SourceUnreadable` for a file that is not what it should be.
        """
        v2 = _read(self.v2(category))
        if not get_category_descriptor(category).has_legacy_format:
            return CategoryDocuments(EMPTY_V2 if v2 is None else v2)
        if v2 is None:
            return self._imported(category, now)
        csv = _read(self.source(category)) if _is_text(category) else None
        stored = CategoryDocuments(v2, legacy=_read(self.legacy(category)), csv=csv)
        return with_legacy_of_v2(category, stored)

    def contents(self, category: str, documents: CategoryDocuments) -> dict[Path, bytes]:
        """Return what to write where, so that `load` gives these documents."""
        found = {
            self.legacy(category): documents.legacy,
            self.source(category): documents.csv if _is_text(category) else documents.legacy,
            self.v2(category): documents.v2,
        }
        return {path: body for path, body in found.items() if body is not None}

    def _imported(self, category: str, now: int) -> CategoryDocuments:
        sources = self._sources(category)
        if not sources:
            return CategoryDocuments(EMPTY_V2)
        imported = import_source(category, sources, now=now, previous=None)
        for one in imported.rejected:
            log.warning("%s: %r is left out, %s: %s", category, one.name, one.path, one.reason)
        return imported.documents

    def _sources(self, category: str) -> Mapping[str, bytes]:
        paths = (self.source(category), self.legacy(category))
        bodies = {path.name: _read(path) for path in paths}
        return {name: body for name, body in bodies.items() if body is not None}


def base_folder(given: Path | str) -> Path:
    """Return the base folder that is meant: naming its folder of legacy files means the same."""
    path = Path(given)
    return path.parent if path.name == LEGACY_FOLDER_NAME else path


def has_legacy_form(category: str) -> bool:
    """Say whether records of the category exist in the legacy format too."""
    return is_registered_category(category) and get_category_descriptor(category).has_legacy_format


def _is_text(category: str) -> bool:
    return category == MODEL_REFERENCE_CATEGORY.text_generation


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None

"""Folders of reference files as a PRIMARY has them, and back ends on them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from horde_model_reference.backends.filesystem import FileSystemBackend
from horde_model_reference.documents import Record
from horde_model_reference.meta_consts import get_category_descriptor
from horde_model_reference.path_consts import horde_model_reference_paths
from support.model_records import an_image

STAMPED = {"schema_version": "2.0.0", "created_at": 1, "updated_at": 1}


def a_stored_image(name: str, **fields: object) -> Record:
    """A v2 record with the times that a PRIMARY gives to every record."""
    return an_image(name, metadata=STAMPED, **fields)


def put_v2_file(base: Path, category: str, records: Mapping[str, Any]) -> Path:
    path = base / get_category_descriptor(category).filename
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(records), encoding="utf-8")
    return path


def put_legacy_file(base: Path, name: str, body: bytes) -> Path:
    path = base / "legacy" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def with_images(base: Path, *names: str) -> Path:
    """Fill a folder with image models of these names."""
    put_v2_file(base, "image_generation", {name: a_stored_image(name) for name in names})
    return base


def a_backend(base: Path, **options: Any) -> FileSystemBackend:
    return FileSystemBackend(base_path=base, **options)


def v2_on_disk(base: Path, category: str = "image_generation") -> dict[str, Any]:
    path = horde_model_reference_paths.get_model_reference_file_path(category, base_path=base)
    records: dict[str, Any] = json.loads(path.read_bytes())
    return records


def legacy_on_disk(base: Path, name: str = "stable_diffusion.json") -> dict[str, Any]:
    records: dict[str, Any] = json.loads((base / "legacy" / name).read_bytes())
    return records


class FakeLegacySource:
    """Puts legacy files into a folder, as a download would; what is not among `files` cannot be had."""

    def __init__(self, base: Path, files: Mapping[str, bytes]) -> None:
        self.base = base
        self.files = dict(files)
        self.asked: list[list[str]] = []

    def download_legacy_references(
        self, categories: Iterable[str], *, overwrite_existing: bool = False
    ) -> dict[str, Path | None]:
        assert not overwrite_existing
        wanted = list(categories)
        self.asked.append(wanted)
        return {category: self._put(category) for category in wanted}

    def _put(self, category: str) -> Path | None:
        body = self.files.get(category)
        if body is None:
            return None
        return put_legacy_file(self.base, get_category_descriptor(category).legacy_filename, body)

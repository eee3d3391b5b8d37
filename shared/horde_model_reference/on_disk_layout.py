"""Where the files of models lie (python-client.md section 11)."""

import os
import shutil
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from horde_model_reference.annotator_catalog import (
    ANNOTATOR_FILES,
    ANNOTATORS_FOLDER,
    AnnotatorFile,
    annotators_for_control_types,
)
from horde_model_reference.meta_consts import (
    MODEL_REFERENCE_CATEGORY,
    get_category_descriptor,
    get_weights_marker_folders,
    is_registered_category,
)
from horde_model_reference.model_reference_records import DownloadRecord, GenericModelRecord
from horde_model_reference.settings import current_cache_home

COMPONENT_PURPOSE_FOLDERS: Final[Mapping[str, str]] = {
    "vae": "vae",
    "text_encoders": "text_encoders",
    "text_encoder": "text_encoders",
}
"""The purpose of a file to the folder, beside that of its category, where such files lie."""


class FileOutsideRoot(ValueError):
    """The name of a file leads out of the folder of the weights."""


@dataclass(frozen=True, slots=True)
class PresenceSummary:
    """Which of the asked for models are there, which are not, and which the reference does not know."""

    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def num_present(self) -> int:
        """How many are there."""
        return len(self.present)

    @property
    def num_requested(self) -> int:
        """How many were asked for."""
        return len(self.present) + len(self.missing) + len(self.unknown)


def category_folder(category: str) -> str | None:
    """Return the folder of a category below the weights; None for an unknown one, or one without files."""
    return get_category_descriptor(category).on_disk_folder if is_registered_category(category) else None


def component_relative_path(file_name: str, file_purpose: str | None) -> PurePath:
    """Return where a file lies, seen from the folder of its category."""
    folder = COMPONENT_PURPOSE_FOLDERS.get(file_purpose or "")
    return PurePath(file_name) if folder is None else PurePath("..", folder, file_name)


def path_below(root: str | Path, folder: str, file: DownloadRecord) -> Path:
    """Return where a file belongs. Raises `FileOutsideRoot`: names come from a server, after all."""
    below = PurePath(folder, component_relative_path(file.file_name, file.file_purpose))
    path = PurePath(os.path.normpath(below))  # by its text alone, as `..` is meant here
    is_file_name = PurePath(file.file_name).name not in {"", ".."} and "\0" not in file.file_name
    if not is_file_name or path.anchor or ".." in path.parts or len(path.parts) < 2:
        raise FileOutsideRoot(f"{file.file_name!r} is no name of a file below the weights")
    return Path(root, path)


def file_paths_for(
    record: GenericModelRecord, root: str | Path, *, extra_roots: Iterable[str | Path] = ()
) -> list[Path]:
    """Return the path of each file of a record: its first existing copy, else its place below `root`.

    Empty for a record whose category has no folder. Raises `FileOutsideRoot`.
    """
    folder = category_folder(record.record_type)
    if folder is None:
        return []
    roots = [root, *extra_roots]
    return [_first_existing(_places(roots, folder, file)) for file in record.config.download]


def is_present(
    record: GenericModelRecord, root: str | Path, *, extra_roots: Iterable[str | Path] = ()
) -> bool:
    """Say whether all files of a record exist, whatever is in them. A record without files is not present."""
    try:
        paths = file_paths_for(record, root, extra_roots=extra_roots)
    except FileOutsideRoot:
        return False
    return bool(paths) and all(path.is_file() for path in paths)


def presence_summary(
    reference: Mapping[str, GenericModelRecord],
    names: Iterable[str],
    root: str | Path,
    *,
    extra_roots: Iterable[str | Path] = (),
) -> PresenceSummary:
    """Sort the names by whether their models are there; each group in the order given."""
    asked = list(names)
    known = [name for name in asked if name in reference]
    roots = list(extra_roots)
    there = {name for name in known if is_present(reference[name], root, extra_roots=roots)}
    return PresenceSummary(
        present=tuple(name for name in known if name in there),
        missing=tuple(name for name in known if name not in there),
        unknown=tuple(name for name in asked if name not in reference),
    )


def resolve_weights_root(
    cache_home: str | Path | None = None, *, marker_subdirs: Iterable[str] | None = None
) -> Path:
    """Return the first folder, breadth first, that holds all marker folders; else the start.

    The start is `cache_home`, else AIWORKER_CACHE_HOME as it is now. Links are not followed on the way down.
    """
    start = current_cache_home() if cache_home is None else Path(cache_home)
    markers = get_weights_marker_folders() if marker_subdirs is None else frozenset(marker_subdirs)
    waiting = deque([start])
    while waiting:
        folder = waiting.popleft()
        if all((folder / name).is_dir() for name in markers):
            return folder
        waiting.extend(_folders_in(folder))
    return start


def free_bytes_for(root: str | Path) -> int:
    """Return the free space where the folder is, or would be. Raises `OSError`."""
    path = Path(root).absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


def annotator_root(root: str | Path) -> Path:
    """Return the folder of the annotators below the weights."""
    folder = get_category_descriptor(MODEL_REFERENCE_CATEGORY.controlnet_annotator).on_disk_folder
    return Path(root, folder or "", ANNOTATORS_FOLDER)


def annotator_file_path(annotator: AnnotatorFile, root: str | Path) -> Path:
    """Return where a file of the catalogue belongs."""
    return annotator_root(root) / annotator.relative_path


def annotators_present(root: str | Path, annotators: Sequence[AnnotatorFile] = ANNOTATOR_FILES) -> bool:
    """Say whether all of them exist."""
    return all(annotator_file_path(item, root).is_file() for item in annotators)


def annotators_present_for_control_types(control_types: Iterable[str], root: str | Path) -> bool:
    """Say whether all that these control types need exist; a type that needs nothing has it."""
    return annotators_present(root, annotators_for_control_types(control_types))


def _places(roots: Sequence[str | Path], folder: str, file: DownloadRecord) -> list[Path]:
    return [path_below(root, folder, file) for root in roots]


def _first_existing(paths: list[Path]) -> Path:
    return next((path for path in paths if path.is_file()), paths[0])


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
    return [folder / name for name in names]

"""Component files that lie in the folder of their category, and belong into one beside it."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from horde_model_reference.component_identity import sidecar_path_for
from horde_model_reference.downloads.checksums import (
    MD5,
    SHA256,
    FileState,
    forget_checksum,
    remember_checksum,
    remembered_checksum,
)
from horde_model_reference.files.whole import draft_beside
from horde_model_reference.model_reference_records import DownloadRecord, GenericModelRecord
from horde_model_reference.on_disk_layout import (
    FileOutsideRoot,
    category_folder,
    path_below,
)


@dataclass(frozen=True, slots=True)
class Move:
    """A file, and where it belongs. `obstacle` says why it stays where it is, None if it can be moved."""

    source: Path
    target: Path
    obstacle: str | None = None


def plan_moves(records: Sequence[GenericModelRecord], root: Path) -> list[Move]:
    """Return what lies in the wrong folder, in the order of the records, each file once.

    Links stay: what they lead to may be shared with other programs.
    """
    places = {path for path, target in _places(records, root) if path == target}
    moves = dict.fromkeys((path, target) for path, target in _places(records, root) if path != target)
    return [
        Move(source, target, _obstacle(target, is_shared=source in places))
        for source, target in moves
        if source.is_file() and not source.is_symlink()
    ]


def carry_out(move: Move) -> None:
    """Move a file and what is known about it. Nothing is overwritten. Raises `OSError`."""
    checksums = [(algorithm, remembered_checksum(move.source, algorithm)) for algorithm in (SHA256, MD5)]
    move.target.parent.mkdir(parents=True, exist_ok=True)
    _move_file(move.source, move.target)
    for algorithm, checksum in checksums:
        if checksum is not None:
            remember_checksum(move.target, checksum, algorithm, state=FileState.of(move.target))
        forget_checksum(move.source, algorithm)
    with contextlib.suppress(FileNotFoundError, FileExistsError):
        _move_file(sidecar_path_for(move.source), sidecar_path_for(move.target))


def _places(records: Sequence[GenericModelRecord], root: Path) -> Iterator[tuple[Path, Path]]:
    """Yield for each file of each record its place in the folder of its category, and its right place."""
    for record in records:
        folder = category_folder(record.record_type)
        if folder is None:
            continue
        for file in record.config.download:
            with contextlib.suppress(FileOutsideRoot):
                yield _flat_place(root, folder, file), path_below(root, folder, file)


def _flat_place(root: Path, folder: str, file: DownloadRecord) -> Path:
    return path_below(root, folder, file.model_copy(update={"file_purpose": None}))


def _obstacle(target: Path, *, is_shared: bool) -> str | None:
    if is_shared:
        return "another model wants it where it is"
    return "there is a file already" if os.path.lexists(target) else None


def _move_file(source: Path, target: Path) -> None:
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "there is a file already", str(target))
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_to_other_disk(source, target)


def _copy_to_other_disk(source: Path, target: Path) -> None:
    with draft_beside(target) as draft:
        shutil.copy2(source, draft)
        draft.rename(target)
    source.unlink()

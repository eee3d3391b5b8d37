"""Several files that change together: after a crash at any point either all are old or all become new.

The new contents are written beside their files first. Then a small plan that names them makes the change
happen: whoever finds a plan carries it out. All functions need the folder's lock.
"""

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from horde_model_reference.backends.folder_lock import pause

log = logging.getLogger(__name__)

PLAN_NAME: Final = ".replacement.json"
NEW_SUFFIX: Final = ".new"
ON_WINDOWS: Final = os.name == "nt"

_REPLACE_ATTEMPTS: Final = 50
_REPLACE_PAUSE_SECONDS: Final = 0.02


def replace_files(folder: Path, contents: Mapping[Path, bytes]) -> None:
    """Give the files below `folder` these contents, in this order; folders are made.

    Raises `OSError`: then all files are old, unless the plan stands already; the next writer carries it out.
    """
    finish_replacement(folder)
    plan = folder / PLAN_NAME
    try:
        _write_down(plan, folder, contents)
    except OSError:
        for path in (*contents, plan):
            with contextlib.suppress(OSError):
                _beside(path).unlink(missing_ok=True)
        raise
    _carry_out(plan, contents)


def finish_replacement(folder: Path) -> bool:
    """Carry out what a crashed process had decided. Returns whether there was anything."""
    plan = folder / PLAN_NAME
    try:
        targets = json.loads(plan.read_bytes())
    except FileNotFoundError:
        return False
    log.warning("%s: carrying out a change that was interrupted", folder)
    _carry_out(plan, [folder / target for target in targets])
    return True


def _write_down(plan: Path, folder: Path, contents: Mapping[Path, bytes]) -> None:
    """Write the new contents beside the files, and last the plan: from then on they count."""
    for path, body in contents.items():
        _written_beside(path, body)
    for parent in {path.parent for path in contents}:
        _sync_folder(parent)
    targets = [path.relative_to(folder).as_posix() for path in contents]
    _replace(_written_beside(plan, json.dumps(targets).encode("utf-8")), plan)
    _sync_folder(folder)


def _carry_out(plan: Path, targets: Iterable[Path]) -> None:
    paths = list(targets)
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # carried out before the crash
            _replace(_beside(path), path)
    for parent in {path.parent for path in paths}:
        _sync_folder(parent)
    plan.unlink()
    _sync_folder(plan.parent)


def _written_beside(path: Path, body: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = _beside(path)
    with new.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    return new


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}{NEW_SUFFIX}")


def _replace(new: Path, path: Path) -> None:
    for left in reversed(range(_REPLACE_ATTEMPTS)):
        try:
            new.replace(path)
        except PermissionError:
            # Windows refuses while a reader has the file open, which takes milliseconds.
            if not left:
                raise
            pause(_REPLACE_PAUSE_SECONDS)
        else:
            return


def _sync_folder(folder: Path) -> None:
    """Make renames in the folder survive a loss of power, where the system offers it."""
    if ON_WINDOWS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Several files that change together: after a crash at any point either all are old or all become new.

The new contents are written beside their files first. Then a small plan that names them makes the change
happen: whoever finds a plan carries it out. All functions need the folder's lock.
"""

import contextlib
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from horde_model_reference.files.whole import move_over, sync_folder, write_file

log = logging.getLogger(__name__)

PLAN_NAME: Final = ".replacement.json"
NEW_SUFFIX: Final = ".new"


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
        sync_folder(parent)
    targets = [path.relative_to(folder).as_posix() for path in contents]
    move_over(_written_beside(plan, json.dumps(targets).encode("utf-8")), plan)
    sync_folder(folder)


def _carry_out(plan: Path, targets: Iterable[Path]) -> None:
    paths = list(targets)
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # carried out before the crash
            move_over(_beside(path), path)
    for parent in {path.parent for path in paths}:
        sync_folder(parent)
    plan.unlink()
    sync_folder(plan.parent)


def _written_beside(path: Path, body: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = _beside(path)
    write_file(new, body, durable=True)
    return new


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}{NEW_SUFFIX}")

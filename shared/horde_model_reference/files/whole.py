"""Files that are there whole or not at all: readers see the old content or the new one, never a part."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from horde_model_reference.waiting import pause

DRAFT_SUFFIX: Final = ".tmp"
LEFT_BEHIND_SECONDS: Final = 3600

_MOVE_ATTEMPTS: Final = 50
_MOVE_PAUSE_SECONDS: Final = 0.02


def replace_file(path: Path, body: bytes, *, durable: bool = False) -> None:
    """Put a file in the place of another, or of none. Raises `OSError`; then what was there is still there.

    `durable`: it is there also after a loss of power, for which the disk has to be waited for. Otherwise a
    file may be damaged then: enough for what readers check, and what can be had again.
    """
    with draft_beside(path) as draft:
        write_file(draft, body, durable=durable)
        move_over(draft, path)
    if durable:
        sync_folder(path.parent)


@contextlib.contextmanager
def draft_beside(path: Path) -> Iterator[Path]:
    """Yield a name beside a file that nobody else uses; what is left there at the end is removed."""
    draft = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}{DRAFT_SUFFIX}")
    try:
        yield draft
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def write_file(path: Path, body: bytes, *, durable: bool) -> None:
    """Write a file that nobody reads yet; `durable`: return only when its content has reached the disk."""
    with path.open("wb") as file:
        file.write(body)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def move_over(draft: Path, path: Path) -> None:
    """Give a draft its name, in the place of what had it. Raises `OSError`."""
    for _ in range(_MOVE_ATTEMPTS - 1):
        try:
            draft.replace(path)
        except PermissionError as error:
            if not hasattr(error, "winerror"):
                raise
            pause(_MOVE_PAUSE_SECONDS)  # Windows refuses while somebody reads the file, which takes moments
        else:
            return
    draft.replace(path)


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder survive a loss of power, where the system offers it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_left_behind(folder: Path) -> None:
    """Remove the drafts in a folder of ours whose writers died long ago."""
    oldest = time.time() - LEFT_BEHIND_SECONDS
    with contextlib.suppress(OSError):
        for path in folder.glob(f".*{DRAFT_SUFFIX}"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

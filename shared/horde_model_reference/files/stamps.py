"""What changes when a file is written anew, by anybody."""

import os
from pathlib import Path

Stamp = tuple[int, int, int]
"""Modification time in nanoseconds, size and inode: another file, or another content, has another one."""


def stamp_in(status: os.stat_result) -> Stamp:
    """Return the stamp of a file whose status was read."""
    return status.st_mtime_ns, status.st_size, status.st_ino


def stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of a file; None where there is none that can be seen."""
    try:
        return stamp_in(path.stat())
    except OSError:
        return None

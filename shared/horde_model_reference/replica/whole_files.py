"""Files that are there whole, or not at all."""

import contextlib
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Final

TEMPORARY_SUFFIX: Final = ".tmp"
LEFT_BEHIND_SECONDS: Final = 3600
WINDOWS_ATTEMPTS: Final = 20
WINDOWS_PAUSE_SECONDS: Final = 0.02


def replace_file(path: Path, body: bytes) -> None:
    """Put a file in the place of another, or of none: readers see the one or the other. Raises `OSError`.

    It is not forced on to the disk: after a power cut the file may be damaged, as readers have to notice.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("xb") as file:
            file.write(body)
        _rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_left_behind(folder: Path) -> None:
    """Remove the temporary files of writers that died long ago."""
    oldest = time.time() - LEFT_BEHIND_SECONDS
    with contextlib.suppress(OSError):
        for path in folder.glob(f".*{TEMPORARY_SUFFIX}"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


def _rename(temporary: Path, path: Path) -> None:
    """Windows refuses while somebody reads the file, which takes moments."""
    for _ in range(WINDOWS_ATTEMPTS if os.name == "nt" else 0):
        try:
            temporary.replace(path)
        except PermissionError:
            threading.Event().wait(WINDOWS_PAUSE_SECONDS)
        else:
            return
    temporary.replace(path)

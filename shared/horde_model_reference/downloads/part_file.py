"""The file that a download grows in until it is whole."""

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from horde_model_reference.downloads.checksums import SHA256, feed, forget_checksum, remember_checksum
from horde_model_reference.files.locking import end_claim, try_claim
from horde_model_reference.files.whole import move_over

if TYPE_CHECKING:
    from hashlib import _Hash

PART_SUFFIX: Final = ".part"


class PartFile:
    """`<destination>.part`, its size, and the hash of its content. All methods block.

    While it is open nobody else can open it, and nobody else completes the same destination.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        self.path = Path(f"{destination}{PART_SUFFIX}")
        self.size = 0
        self._digest: _Hash = hashlib.sha256()
        self._file: FileIO | None = None

    def try_open(self) -> bool:
        """Open what is there, or begin; return False while somebody else has it open."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = FileIO(self.path, "a+")
        if not try_claim(file) or not _is_still_at(file, self.path):
            file.close()
            return False
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        return True

    def hash_existing(self, stop: Callable[[], bool] = bool) -> None:
        """Hash what lies there from an earlier attempt, so that more can be appended."""
        file = self._opened
        file.seek(0)
        self._digest = hashlib.sha256()
        self.size = feed(self._digest, file, stop)

    def append(self, block: bytes) -> None:
        """Add a block to the file and to its hash."""
        file = self._opened
        view = memoryview(block)
        while view:
            written = file.write(view)
            self._digest.update(view[:written])
            self.size += written
            view = view[written:]

    def restart(self) -> None:
        """Throw away what there is."""
        file = self._opened
        file.seek(0)
        file.truncate()
        self.size, self._digest = 0, hashlib.sha256()

    @property
    def checksum(self) -> str:
        """The hash of what there is."""
        return self._digest.hexdigest()

    def complete(self) -> str:
        """Put the file in its place, durably, with a side file; return its hash. It is closed then."""
        checksum = self.checksum
        file = self._opened
        os.fsync(file.fileno())
        if sys.platform == "win32":
            file.close()  # an open file cannot be renamed there
        put_in_place(self.path, self.destination, checksum)
        self.close()
        return checksum

    def close(self) -> None:
        """Leave what there is for a later attempt; an empty file is removed. May be repeated."""
        file, self._file = self._file, None
        if file is None or file.closed:
            return
        is_useless = self.size == 0 and _is_still_at(file, self.path)
        if sys.platform == "win32":
            file.close()  # an open file cannot be removed there
        if is_useless:
            with contextlib.suppress(OSError):
                self.path.unlink()
        end_claim(file)
        file.close()

    @property
    def _opened(self) -> FileIO:
        if self._file is None:
            raise ValueError(f"{self.path} is not open")
        return self._file


def put_in_place(draft: Path, destination: Path, checksum: str) -> None:
    """Give a whole file its name and write its side file."""
    forget_checksum(destination, SHA256)  # never is an old hash beside a new file, whenever we are killed
    move_over(draft, destination)
    remember_checksum(destination, checksum, SHA256)


def _is_still_at(file: FileIO, path: Path) -> bool:
    """Say whether the path still leads to the open file: it may have been completed while we waited."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False

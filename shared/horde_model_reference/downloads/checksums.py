"""Checksums of files, and the side files that save computing them again (python-client.md section 10).

A side file lies beside its file, has `.sha256` or `.md5` for its extension, and holds one line for each file
of that stem, `<hash> *<file name>`, the latest first; so files that differ only in their extension do not
take each other's hash. A remark for each line says which state of the file was hashed: its size and its time
of change. Lines of older programs have no remark. A line counts while the side file is newer than the file.
"""

import contextlib
import hashlib
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from horde_model_reference.files.whole import replace_file

if TYPE_CHECKING:
    from hashlib import _Hash

log = logging.getLogger(__name__)

READ_BYTES: Final = 1024 * 1024
_SIDE_FILE_BYTES: Final = 64 * 1024
_UNKNOWN: Final = frozenset({"", "fixme"})
_REMARK: Final = re.compile(r"# (?P<size>\d+) (?P<changed_ns>\d+) \*(?P<name>.+)")
_SHA256_TEXT: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A checksum: the extension of its side files, the digits of a hash, and how to begin one."""

    suffix: str
    digits: int
    new: Callable[[], "_Hash"]


SHA256: Final = Algorithm(".sha256", 64, hashlib.sha256)
MD5: Final = Algorithm(".md5", 32, partial(hashlib.md5, usedforsecurity=False))


@dataclass(frozen=True, slots=True)
class FileState:
    """The size of a file in bytes and when it was last changed, in nanoseconds."""

    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> "FileState":
        """Return the present state. Raises `OSError`."""
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class _Line:
    checksum: str
    state: FileState | None = None


class HashingStopped(Exception):
    """The caller lost interest before the file was read to its end."""


def known_sha256(text: str | None) -> str | None:
    """Return a hash in lower case, None for the texts that stand for an unknown one."""
    lowered = (text or "").strip().lower()
    return None if lowered in _UNKNOWN else lowered


def is_sha256(text: str) -> bool:
    """Say whether the text, in lower case, can be a hash at all."""
    return _SHA256_TEXT.fullmatch(text) is not None


def sha256_of(path: str | Path, *, stop: Callable[[], bool] = bool) -> str:
    """Return the SHA-256 of a file in lower case. Raises `FileNotFoundError`.

    A side file that is newer than the file is believed; without one the file is read and one is written.
    Raises `HashingStopped` when `stop` says so meanwhile.
    """
    return _checksum_of(Path(path), SHA256, stop)


def md5_of(path: str | Path) -> str | None:
    """Return the MD5 of a file in lower case, None if it is missing; side files as for `sha256_of`."""
    try:
        return _checksum_of(Path(path), MD5, bool)
    except FileNotFoundError:
        return None


def side_file_of(path: Path, algorithm: Algorithm = SHA256) -> Path | None:
    """Return where the checksum of a file is kept; None for a file that has the name of a side file."""
    side = path.with_suffix(algorithm.suffix) if path.name else path
    return None if side == path else side


def remembered_checksum(path: Path, algorithm: Algorithm = SHA256) -> str | None:
    """Return what a side file says about the file as it is now, None when there is no such word."""
    side = side_file_of(path, algorithm)
    with contextlib.suppress(OSError):
        if side is not None:
            line = _valid_lines(side, algorithm).get(path.name)
            return None if line is None else line.checksum
    return None


def remember_checksum(
    path: Path, checksum: str, algorithm: Algorithm = SHA256, *, state: FileState | None = None
) -> None:
    """Write what the file hashes to in the given `state`, or now. That this may fail does no harm."""
    side = side_file_of(path, algorithm)
    if side is None or "\n" in path.name:
        return
    try:
        lines = {path.name: _Line(checksum, state or FileState.of(path))}
        replace_file(side, _rendered(lines | _lines_of_others(side, path, algorithm)))
    except OSError as error:
        log.debug("the checksum of %s is not kept: %s", path, error)


def forget_checksum(path: Path, algorithm: Algorithm = SHA256) -> None:
    """Take out what is said about the file; what is said about others stays."""
    side = side_file_of(path, algorithm)
    if side is None:
        return
    with contextlib.suppress(OSError):
        if others := _lines_of_others(side, path, algorithm):
            replace_file(side, _rendered(others))
        else:
            side.unlink(missing_ok=True)


def forget_checksums(path: Path) -> None:
    """Take out every checksum of the file."""
    for algorithm in (SHA256, MD5):
        forget_checksum(path, algorithm)


def feed(digest: "_Hash", file: FileIO, stop: Callable[[], bool] = bool) -> int:
    """Hash the rest of an open file and return its size. Raises `HashingStopped`."""
    buffer = memoryview(bytearray(READ_BYTES))
    total = 0
    while size := file.readinto(buffer):
        if stop():
            raise HashingStopped
        digest.update(buffer[:size])
        total += size
    return total


def _checksum_of(path: Path, algorithm: Algorithm, stop: Callable[[], bool]) -> str:
    if (remembered := remembered_checksum(path, algorithm)) is not None:
        return remembered
    digest = algorithm.new()
    state = FileState.of(path)
    with path.open("rb", buffering=0) as file:
        feed(digest, file, stop)
    remember_checksum(path, digest.hexdigest(), algorithm, state=state)
    return digest.hexdigest()


def _lines(side: Path, algorithm: Algorithm) -> dict[str | None, _Line]:
    """Read a side file: file name to what is said about it; under None what is said about no one by name."""
    with side.open("rb") as file:
        text = file.read(_SIDE_FILE_BYTES).decode(errors="surrogateescape")
    pattern = re.compile(rf"(?P<hash>[0-9a-fA-F]{{{algorithm.digits}}})(?: [ *](?P<name>.+))?")
    lines: dict[str | None, _Line] = {}
    states: dict[str | None, FileState] = {}
    for row in text.replace("\r\n", "\n").split("\n"):
        if found := pattern.fullmatch(row):
            name = found["name"] and Path(found["name"]).name
            lines.setdefault(name, _Line(found["hash"].lower()))
        elif found := _REMARK.fullmatch(row):
            states[found["name"]] = FileState(int(found["size"]), int(found["changed_ns"]))
    return {name: _Line(line.checksum, states.get(name)) for name, line in lines.items()}


def _valid_lines(side: Path, algorithm: Algorithm) -> dict[str, _Line]:
    """Read what is said about files that are still as they were then."""
    written_ns = side.stat().st_mtime_ns
    lines = _lines(side, algorithm)
    named = {name: line for name, line in lines.items() if name is not None}
    if not named and None in lines and len(names := _files_of_stem(side)) == 1:
        named = {names[0]: lines[None]}
    return {name: line for name, line in named.items() if _holds(line, side.with_name(name), written_ns)}


def _holds(line: _Line, path: Path, written_ns: int) -> bool:
    try:
        state = FileState.of(path)
    except OSError:
        return False
    # equal times say nothing: a file may change twice within one tick of its clock
    return written_ns > state.changed_ns and line.state in (None, state)


def _files_of_stem(side: Path) -> list[str]:
    side_files = {side.with_suffix(algorithm.suffix).name for algorithm in (SHA256, MD5)}
    with os.scandir(side.parent) as entries:
        names = [entry.name for entry in entries if Path(entry.name).stem == side.stem]
    return [name for name in names if name not in side_files]


def _lines_of_others(side: Path, path: Path, algorithm: Algorithm) -> dict[str, _Line]:
    """Read what still holds about other files: written again, it would count as fresh."""
    try:
        lines = _valid_lines(side, algorithm)
    except FileNotFoundError:
        return {}
    return {name: line for name, line in lines.items() if name != path.name}


def _rendered(lines: dict[str, _Line]) -> bytes:
    rows = [f"{line.checksum} *{name}" for name, line in lines.items()]
    rows += [
        f"# {line.state.size} {line.state.changed_ns} *{name}"
        for name, line in lines.items()
        if line.state is not None
    ]
    return "".join(f"{row}\n" for row in rows).encode(errors="surrogateescape")

"""The copies on disk, which other processes and later starts read (python-client.md section 6)."""

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import Final, NamedTuple

from horde_model_reference.files.locking import locked_if_possible
from horde_model_reference.files.stamps import Stamp, stamp_in, stamp_of
from horde_model_reference.files.whole import remove_left_behind, replace_file
from horde_model_reference.lenient_json import UnusableJson
from horde_model_reference.path_consts import horde_model_reference_paths
from horde_model_reference.replica.copy_facts import CopyFacts, Origin, sha256_of
from horde_model_reference.replica.json_documents import Records, read_records

FACTS_FOLDER: Final = "replica"
LOCK_FILE: Final = ".lock"
LOCK_SECONDS: Final = 5.0
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
SETTLED_NANOSECONDS: Final = 1_000_000_000
"""What is renamed into a folder so soon after another may leave it with the same stamp."""

log = logging.getLogger(__name__)


class DiskDocument(NamedTuple):
    """A copy. Where it is from is `unknown` if a program that knows no facts wrote it.

    `fetched_at` is in Unix seconds; `stamp` is that of the file which was read.
    """

    category: str
    body: bytes
    value: Records
    origin: Origin
    source_url: str | None
    etag: str | None
    revision: int | None
    fetched_at: float
    stamp: Stamp


class DiskCache:
    """Reads and writes the copies below a base folder. Everything here blocks.

    Nothing is written, and no folder made, before there is something to write; what cannot be written is
    logged, once for each kind of trouble. The facts of a copy lie in `replica/` and count only for the very
    bytes that they name.
    """

    def __init__(self, base_path: Path, *, writable: bool = True) -> None:
        self._base_path = base_path
        self._writable = writable
        self._told: set[object] = set()
        self._newest: tuple[str, Stamp | None, int | None] | None = None

    def path(self, category: str) -> Path:
        """Return where the copy of a category lies. Raises `KeyError` for an unknown category."""
        return horde_model_reference_paths.get_model_reference_file_path(category, base_path=self._base_path)

    def legacy_path(self, category: str) -> Path:
        """Return where the legacy file of a category lies, under the name it has in its repository."""
        return horde_model_reference_paths.get_legacy_model_reference_file_path(
            category, base_path=self._base_path
        )

    def stamp(self, category: str) -> Stamp | None:
        """Return what changes when the copy is rewritten; None when there is none."""
        return stamp_of(self.path(category))

    def read(self, category: str) -> DiskDocument | None:
        """Return the copy; None when there is none, or a damaged one, which is logged."""
        found = self._bytes(self.path(category))
        if found is None:
            return None
        body, status = found
        try:
            value = read_records(body)
        except UnusableJson as error:
            damaged = self.path(category)
            self._warn_once((damaged, stamp_in(status)), f"{damaged} is damaged and left alone: {error}")
            return None
        facts = self._facts(category, sha256_of(body))
        return DiskDocument(
            category=category,
            body=body,
            value=value,
            origin=facts.origin if facts else "unknown",
            source_url=facts.source_url if facts else None,
            etag=facts.etag if facts else None,
            revision=facts.revision if facts else None,
            fetched_at=facts.fetched_at if facts else status.st_mtime,
            stamp=stamp_in(status),
        )

    def write(  # noqa: PLR0913 - each is a fact of its own
        self,
        category: str,
        body: bytes,
        *,
        origin: Origin,
        source_url: str | None,
        etag: str | None,
        revision: int | None,
        fetched_at: float,
    ) -> bool:
        """Put a copy in its place and say whether it is there.

        A newer copy of the same source, which another process wrote, stays. Equal bytes are not written
        again: the stamp stays as it is.
        """
        if not self._writable:
            return False
        facts = CopyFacts(
            sha256=sha256_of(body),
            origin=origin,
            source_url=source_url,
            etag=etag,
            revision=revision,
            fetched_at=fetched_at,
        )
        folder = self._base_path / FACTS_FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with locked_if_possible(folder / LOCK_FILE, timeout_seconds=LOCK_SECONDS):
                return self._write(category, body, facts)
        except OSError as error:
            self._tell("written", self.path(category), error)
            return False

    def newest_revision(self, source_url: str) -> int | None:
        """Return the highest revision that a copy from there is said to be of.

        The facts are read again when one of them was put in its place since, by whomever: that gives their
        folder another stamp.
        """
        stamp, known = stamp_of(self._base_path / FACTS_FOLDER), self._newest
        if known is not None and known[:2] == (source_url, stamp):
            return known[2]
        newest = max(self._revisions_from(source_url), default=None)
        if stamp is None or time.time_ns() - stamp[0] > SETTLED_NANOSECONDS:
            self._newest = (source_url, stamp, newest)
        return newest

    def read_legacy(self, category: str) -> bytes | None:
        """Return the legacy file; None when there is none."""
        found = self._bytes(self.legacy_path(category))
        return None if found is None else found[0]

    def write_legacy(self, category: str, body: bytes) -> bool:
        """Put a legacy file in its place, unless it is there already, and say whether it is there."""
        path = self.legacy_path(category)
        if not self._writable:
            return False
        if self.read_legacy(category) == body:
            return True
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, body)
        except OSError as error:
            self._tell("written", path, error)
            return False
        return True

    def _revisions_from(self, source_url: str) -> list[int]:
        found = []
        for path in sorted((self._base_path / FACTS_FOLDER).glob("*.json")):
            with contextlib.suppress(OSError):
                facts = CopyFacts.from_json(path.read_bytes())
                if facts is not None and facts.source_url == source_url and facts.revision is not None:
                    found.append(facts.revision)
        return found

    def _bytes(self, path: Path) -> tuple[bytes, os.stat_result] | None:
        try:
            with path.open("rb") as file:
                return file.read(MAX_FILE_BYTES), os.fstat(file.fileno())
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell("read", path, error)
            return None

    def _write(self, category: str, body: bytes, facts: CopyFacts) -> bool:
        path = self.path(category)
        present = _sha256_of_file(path)
        known = None if present is None else self._facts(category, present)
        if known is not None and known.outrank(facts, time.time()):
            return False
        for folder in (path.parent, self._base_path / FACTS_FOLDER):
            remove_left_behind(folder)
        if present != facts.sha256:
            replace_file(path, body)
        replace_file(self._facts_path(category), facts.model_dump_json(indent=2).encode() + b"\n")
        return True

    def _facts(self, category: str, sha256: str) -> CopyFacts | None:
        """Return the facts of the copy with these bytes, if there are any."""
        try:
            facts = CopyFacts.from_json(self._facts_path(category).read_bytes())
        except OSError:
            return None
        return facts if facts is not None and facts.sha256 == sha256 else None

    def _facts_path(self, category: str) -> Path:
        return self._base_path / FACTS_FOLDER / f"{category}.json"

    def _tell(self, doing: str, path: Path, error: OSError) -> None:
        self._warn_once((doing, error.errno), f"{path} cannot be {doing}: {error.strerror or error}")

    def _warn_once(self, kind: object, text: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            log.warning("%s", text)


def _sha256_of_file(path: Path) -> str | None:
    try:
        return sha256_of(path.read_bytes())
    except OSError:
        return None

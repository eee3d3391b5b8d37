"""The file that a backup is: a tar archive that any tar program unpacks, and `sha256sum -c` checks.

Its members are `backup.json`, the objects under their keys, and `SHA256SUMS` about all before it. Each also
carries its own hash in the comment of its header, so that it can be used before the end of the archive was
seen. Nothing here is asynchronous: call it in a thread.
"""

import contextlib
import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, Final

from registry.backup_content import (
    HEAD_NAME,
    SUMS_NAME,
    BackupHead,
    ContentCheck,
    ContentDamaged,
    Member,
    parse_head,
    render_head,
)
from registry.errors import EntryCorrupt
from service_kit.errors import ServiceError

MAX_MEMBER_BYTES: Final = 256 * 1024 * 1024
"""Of one object; what claims to be larger is no backup of ours."""

_COMMENT: Final = "comment"  # the one record that no program minds, and none shows
_BROKEN: Final = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)


class ArchiveDamaged(ServiceError):
    """The archive is not a whole backup; nothing of it may be used."""


class ArchiveWriter:
    """Writes an archive from its beginning to its end; the output need not be a file that can be rewound."""

    def __init__(self, output: IO[bytes], head: BackupHead, *, packed: bool = False) -> None:
        self.check = ContentCheck(head)
        self.objects = 0
        self.content_bytes = 0
        self._file = output
        self._time = head.created_at.timestamp()
        self._sums = io.BytesIO()
        self._output = gzip.GzipFile(fileobj=output, mode="wb") if packed else output
        self._write(Member(HEAD_NAME, render_head(head)))

    def add(self, member: Member) -> None:
        """Write the next object. Raises what `ContentCheck` raises, and `OSError`."""
        self.check.accept(member)
        self.objects += 1
        self.content_bytes += len(member.body)
        self._write(member)

    def finish(self) -> None:
        """Write what stands at the end. Raises `ContentDamaged` if something is missing, and `OSError`."""
        self.check.finish()
        self._write(Member(SUMS_NAME, self._sums.getvalue()))
        self._output.write(bytes(2 * tarfile.BLOCKSIZE))
        if self._output is not self._file:
            self._output.close()

    def _write(self, member: Member) -> None:
        digest = hashlib.sha256(member.body).hexdigest()
        header = tarfile.TarInfo(member.key)
        header.size = len(member.body)
        header.mtime = int(self._time)
        header.mode = 0o600
        header.pax_headers = {_COMMENT: _comment(digest)}
        self._output.write(header.tobuf(format=tarfile.PAX_FORMAT))
        self._output.write(member.body)
        self._output.write(bytes(-len(member.body) % tarfile.BLOCKSIZE))
        self._sums.write(_sum_line(member.key, digest))


class ArchiveReader:
    """Reads an archive once, checking all that can be checked at each member.

    Every method raises `ArchiveDamaged`; `BackupTooNew` and `JournalTooNew` for what a newer version wrote.
    """

    def __init__(self, source: IO[bytes]) -> None:
        self.objects = 0
        with _damage():
            self._tar = tarfile.open(fileobj=source, mode="r|*")  # noqa: SIM115 - whose file it is closes it
            self._sums = hashlib.sha256()
            member = self._next()
            if member is None or member.key != HEAD_NAME:
                raise ContentDamaged(f"it does not begin with {HEAD_NAME}")
            self.head = parse_head(member.body)
        self._check = ContentCheck(self.head)

    def next(self) -> Member | None:
        """Return the next object; None when the archive was seen to be whole."""
        with _damage():
            before = self._sums.digest()
            member = self._next()
            if member is None:
                raise ContentDamaged(f"it ends without {SUMS_NAME}")
            if member.key == SUMS_NAME:
                self._finish(member, before)
                return None
            self._check.accept(member)
            self.objects += 1
            return member

    def _finish(self, member: Member, before: bytes) -> None:
        if hashlib.sha256(member.body).digest() != before:
            raise ContentDamaged(f"{SUMS_NAME} names other objects than there are")
        self._check.finish()
        if self._next() is not None:
            raise ContentDamaged(f"something follows {SUMS_NAME}")

    def _next(self) -> Member | None:
        header = self._tar.next()
        if header is None:
            return None
        self._tar.members = []  # type: ignore[attr-defined]  # it would remember all; not in the stubs
        if not header.isreg() or header.size > MAX_MEMBER_BYTES:
            raise ContentDamaged(f"{header.name[:200]!r} is not an object")
        file = self._tar.extractfile(header)
        body = file.read() if file is not None else b""
        digest = hashlib.sha256(body).hexdigest()
        if len(body) != header.size or header.pax_headers.get(_COMMENT) != _comment(digest):
            raise ContentDamaged(f"{header.name[:200]!r} is not what was backed up")
        self._sums.update(_sum_line(header.name, digest))
        return Member(header.name, body)


def _comment(digest: str) -> str:
    return f"sha256={digest}"


def _sum_line(key: str, digest: str) -> bytes:
    return f"{digest}  {key}\n".encode()


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (ContentDamaged, EntryCorrupt) as error:
        raise ArchiveDamaged(f"the archive is damaged: {error}") from error
    except _BROKEN as error:
        raise ArchiveDamaged(f"the archive cannot be read: {error}") from error

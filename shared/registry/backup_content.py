"""What belongs into a backup, and the check that all of it is there and fits together.

The same check stands where a backup is written and where it is read: what cannot be restored is not
backed up.
"""

import hashlib
from typing import Final, Literal, NamedTuple

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from registry.blobs import blob_key
from registry.catalogue import CatalogueRef, FrozenModel, Sha256
from registry.entries import FIRST_PREVIOUS, entry_hash, entry_key, parse_entry
from registry.errors import JournalError
from registry.kinds import BODY_TYPES
from service_kit.object_keys import check_key

FORMAT: Final = "horde-model-reference-backup"
FORMAT_VERSION: Final = 1

HEAD_NAME: Final = "backup.json"
SUMS_NAME: Final = "SHA256SUMS"
HISTORY: Final = "stats/"


class ContentDamaged(JournalError):
    """What was read is not what a whole catalogue consists of."""


class BackupTooNew(JournalError):
    """A newer version of this software wrote the backup."""


class Member(NamedTuple):
    """One object with its key in the store, or one of the two files about all of them."""

    key: str
    body: bytes


class BackupHead(FrozenModel):
    """The first member: what was backed up, and when. Everything after it must fit to it."""

    format: Literal["horde-model-reference-backup"] = FORMAT
    format_version: int = Field(FORMAT_VERSION, ge=1)
    created_at: AwareDatetime
    software: str
    sequence: int = Field(ge=1)
    head_hash: Sha256
    revision: int = Field(ge=0)


def render_head(head: BackupHead) -> bytes:
    """Return the bytes of the first member."""
    return head.model_dump_json(indent=2).encode() + b"\n"


def parse_head(raw: bytes) -> BackupHead:
    """Read the first member. Raises `ContentDamaged`, `BackupTooNew`."""
    try:
        version = _Version.model_validate_json(raw)
        if version.format_version > FORMAT_VERSION:
            raise BackupTooNew(
                f"the backup is of format {version.format_version}, this software reads up to "
                f"{FORMAT_VERSION}: install a newer version"
            )
        return BackupHead.model_validate_json(raw)
    except ValidationError as error:
        raise ContentDamaged(f"{HEAD_NAME} is not valid: {error.errors()[0]['msg']}") from error


class ContentCheck:
    """Takes the objects of a backup in its order: the entries from the first on, their blobs, the history.

    Every method raises `ContentDamaged`, and what `parse_entry` raises.
    """

    def __init__(self, head: BackupHead) -> None:
        self._head = head
        self._sequence = 0
        self._hash = FIRST_PREVIOUS
        self._revision = 0
        self._named: set[str] = set()
        self._present: set[str] = set()

    def accept(self, member: Member) -> None:
        """Take the next object, whatever its kind."""
        folder = member.key.partition("/")[0]
        match folder:
            case "journal":
                self._accept_entry(member)
            case "blobs":
                self._accept_blob(member)
            case "stats":
                self._accept_history(member)
            case _:
                raise ContentDamaged(f"{member.key[:200]!r} does not belong into a backup")

    def missing_blobs(self) -> list[str]:
        """Return the hashes of the blobs that entries name and that were not taken yet."""
        return sorted(self._named - self._present)

    def finish(self) -> None:
        """Make sure that nothing is missing."""
        self._require_whole_journal()
        missing = self.missing_blobs()
        if missing:
            raise ContentDamaged(f"{len(missing)} blobs are missing, among them {missing[0]}")

    def _accept_entry(self, member: Member) -> None:
        sequence = self._sequence + 1
        if member.key != entry_key(sequence) or sequence > self._head.sequence:
            raise ContentDamaged(f"{member.key[:200]!r} stands in the place of journal entry {sequence}")
        entry = parse_entry(member.body, sequence, BODY_TYPES)
        if entry.previous != self._hash:
            raise ContentDamaged(f"journal entry {sequence} does not continue entry {self._sequence}")
        if entry.catalogue is not None:
            self._named.update(_named_by(entry.catalogue))
            self._revision = entry.catalogue.revision
        self._sequence, self._hash = sequence, entry_hash(member.body)

    def _accept_blob(self, member: Member) -> None:
        self._require_whole_journal()
        digest = hashlib.sha256(member.body).hexdigest()
        if member.key != blob_key(digest):
            raise ContentDamaged(f"{member.key[:200]!r} holds bytes that hash to {digest}")
        if digest not in self._named:
            raise ContentDamaged(f"no journal entry names the blob {digest}")
        self._present.add(digest)

    def _accept_history(self, member: Member) -> None:
        self._require_whole_journal()
        try:
            check_key(member.key)
        except ValueError as error:
            raise ContentDamaged(f"{member.key[:200]!r} is not a key") from error

    def _require_whole_journal(self) -> None:
        head = self._head
        if (self._sequence, self._hash, self._revision) != (head.sequence, head.head_hash, head.revision):
            raise ContentDamaged(
                f"the journal ends with entry {self._sequence} (revision {self._revision}) instead of "
                f"entry {head.sequence} (revision {head.revision}), or another one of that number"
            )


class _Version(FrozenModel):
    model_config = ConfigDict(extra="ignore")  # a newer one may tell more

    format: Literal["horde-model-reference-backup"]
    format_version: int


def _named_by(catalogue: CatalogueRef) -> set[str]:
    documents = (refs.model_dump(exclude_none=True).values() for refs in catalogue.categories.values())
    return {catalogue.side_data, *(digest for digests in documents for digest in digests)}

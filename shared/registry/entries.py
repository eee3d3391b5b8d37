"""One journal entry: its envelope, its bytes, and the hash that chains it to the next."""

import hashlib
from typing import Any, Final

import orjson
from pydantic import AwareDatetime, Field, SerializeAsAny, ValidationError

from registry.catalogue import CatalogueRef, FrozenModel
from registry.errors import EntryCorrupt, JournalTooNew, RestoreUnfinished

SCHEMA_VERSION: Final = 1
FIRST_PREVIOUS: Final = "0" * 64
"""What the first entry names as the hash of the entry before it."""

RESTORE_UNFINISHED: Final = "restore_unfinished"
"""The kind of what lies behind the last entry while a backup is brought back; see `restore_guard`."""


class EntryBody(FrozenModel):
    """What one kind of entry carries beside the envelope. Each kind derives its own type."""


class Answer(FrozenModel):
    """What the client was told, where the request may be sent again (idempotency key, job id)."""

    key: str | None = None
    fingerprint: str | None = None
    status: int
    body: Any = None


class Signature(FrozenModel):
    """A signature of an entry, and which key made it."""

    key_id: str
    value: str


class Entry(FrozenModel):
    """One transaction (architecture section 2). `catalogue` is there when it makes a new revision.

    `actor` is a user id, or the name of the program that acted; `username` belongs to a user id.
    """

    schema_version: int = SCHEMA_VERSION
    sequence: int = Field(ge=1)
    entry_id: str = Field(min_length=1, max_length=64)
    previous: str = Field(pattern=r"^[0-9a-f]{64}$")
    occurred_at: AwareDatetime
    actor: str
    username: str | None = None
    kind: str
    body: SerializeAsAny[EntryBody]
    catalogue: CatalogueRef | None = None
    answer: Answer | None = None
    signature: Signature | None = None

    @property
    def unix_time(self) -> int:
        """When it was written, in Unix seconds."""
        return int(self.occurred_at.timestamp())


def entry_key(sequence: int) -> str:
    """Return the key of an entry; keys sort like sequences."""
    return f"journal/{sequence:012d}.json"


def entry_sequence(key: str) -> int:
    """Return the sequence that a key of the journal stands for. Raises `EntryCorrupt` for another key."""
    text = key.removeprefix("journal/").removesuffix(".json")
    if not (text.isascii() and text.isdigit()) or entry_key(int(text)) != key:
        raise EntryCorrupt(f"{key} is not the key of a journal entry")
    return int(text)


def entry_hash(raw: bytes) -> str:
    """Return the hash that the next entry names as `previous`."""
    return hashlib.sha256(raw).hexdigest()


def render_entry(entry: Entry) -> bytes:
    """Return the bytes that are stored, ended by a newline."""
    return orjson.dumps(entry.model_dump(mode="json", exclude_none=True), option=orjson.OPT_APPEND_NEWLINE)


def parse_entry(raw: bytes, sequence: int, body_types: dict[str, type[EntryBody]]) -> Entry:
    """Read the entry stored under `sequence`.

    Raises `JournalTooNew` for a newer schema version or a kind this version does not know,
    `RestoreUnfinished` where a restore put its guard, `EntryCorrupt` for everything else wrong with it.
    """
    data = _parse_object(raw, sequence)
    version = data.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise JournalTooNew(
            f"journal entry {sequence} has schema version {version}, this software reads up to "
            f"{SCHEMA_VERSION}: install a newer version"
        )
    kind = data.get("kind")
    if version != SCHEMA_VERSION or not isinstance(kind, str):
        raise EntryCorrupt(f"journal entry {sequence} has no usable schema version or kind")
    if kind == RESTORE_UNFINISHED:
        raise RestoreUnfinished("a restore into this store was begun and not finished: run it again")
    body_type = body_types.get(kind)
    if body_type is None:
        raise JournalTooNew(
            f"journal entry {sequence} is of the unknown kind {kind!r}: install a newer version"
        )
    try:
        body = body_type.model_validate(data.pop("body", None))
        entry = Entry.model_validate({**data, "body": body})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise EntryCorrupt(f"journal entry {sequence} is not valid at {where}: {first['msg']}") from error
    if entry.sequence != sequence:
        raise EntryCorrupt(f"journal entry {sequence} says that its sequence is {entry.sequence}")
    return entry


def _parse_object(raw: bytes, sequence: int) -> dict[str, Any]:
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise EntryCorrupt(f"journal entry {sequence} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise EntryCorrupt(f"journal entry {sequence} is not a JSON object")
    return data

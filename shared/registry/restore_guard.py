"""The object behind the last entry of a journal that is being replaced: nobody can read on past it."""

from typing import Final

import orjson

from registry.backup_content import BackupHead
from registry.entries import RESTORE_UNFINISHED, entry_sequence
from registry.errors import EntryCorrupt

SCHEMA_VERSION: Final = 1


def render_guard(head: BackupHead, sequence: int) -> bytes:
    """Return the guard under a sequence; it is the same for each try to restore the same backup."""
    return orjson.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "sequence": sequence,
            "kind": RESTORE_UNFINISHED,
            "head_hash": head.head_hash,
            "created_at": head.created_at.isoformat(),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def find_guard(raw: bytes) -> bytes | None:
    """Return the object if it is a guard; None if it is anything else."""
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return raw if isinstance(data, dict) and data.get("kind") == RESTORE_UNFINISHED else None


def key_sequence(key: str) -> int:
    """Return the sequence of a key below `journal/`, 0 for one that is none of ours."""
    try:
        return entry_sequence(key)
    except EntryCorrupt:
        return 0

"""The JSON of one category: as it came, and what has changed since."""

import json
from dataclasses import dataclass, replace

from pydantic_core import to_json

from horde_model_reference.replica.json_documents import Records, read_records
from horde_model_reference.replica.primary_answers import CategoryChanges


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A v2 document: its bytes, and changes that are not worked into them yet.

    Working them in costs some milliseconds, which nobody should wait for who only wants the records.
    """

    body: bytes
    changes: tuple[CategoryChanges, ...] = ()

    def value(self) -> Records:
        """Return the records by key; whoever changes them changes no later answer."""
        value = read_records(self.body)
        for changes in self.changes:
            for key in changes.removed:
                value.pop(key, None)
            value |= _copied(changes.changed)
            value |= _copied(changes.added)
        return value

    def changed_by(self, changes: CategoryChanges) -> "RawDocument":
        """Return the document with further changes."""
        return replace(self, changes=(*self.changes, changes))

    def rendered(self) -> "RawDocument":
        """Return the same document with all changes worked in."""
        return RawDocument(json_bytes(self.value())) if self.changes else self


def json_bytes(records: Records) -> bytes:
    """Return the records as JSON."""
    try:
        return to_json(records)
    except ValueError:  # lone surrogates, which JSON can say and UTF-8 cannot
        return json.dumps(records).encode()


def _copied(records: Records) -> Records:
    return read_records(json_bytes(records)) if records else {}

"""Which records differ between two documents, and how that is told."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from horde_model_reference.record_diff import Operation, RecordDiff, diff_records
from horde_model_reference.strict_json import same_json
from service_kit.slices import Steps


@dataclass(frozen=True, slots=True)
class RecordChanges:
    """From one document to the next: new records, changed ones before and after, keys that are gone.

    New and changed records are in the order of the new document, the others in that of the old one.
    """

    added: Mapping[str, bytes] = field(default_factory=dict)
    changed: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict)
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether any record differs."""
        return bool(self.added or self.changed or self.removed)


def change_steps(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Steps[RecordChanges]:
    """Compare the records of two documents; those that differ in blanks or key order only are the same."""
    added: dict[str, bytes] = {}
    changed: dict[str, tuple[bytes, bytes]] = {}
    for key, body in after.items():
        known = before.get(key)
        if known is None:
            added[key] = body
        elif known != body:
            if not same_json(json.loads(known), json.loads(body)):
                changed[key] = known, body
            yield
    return RecordChanges(added, changed, tuple(key for key in before if key not in after))


def records_value(changes: RecordChanges) -> dict[str, Any]:
    """Return the changes with the records as they are now, each with its own bytes."""
    return {
        "added": {key: orjson.Fragment(body) for key, body in changes.added.items()},
        "changed": {key: orjson.Fragment(after) for key, (_, after) in changes.changed.items()},
        "removed": changes.removed,
    }


def fields_steps(category: str, changes: RecordChanges) -> Steps[dict[str, Any]]:
    """Return the changes with the names, and the fields of the records that were modified."""
    modified: list[dict[str, Any]] = []
    for key, (before, after) in changes.changed.items():
        modified.append({"name": key, **field_changes(category, before, after)})
        yield
    return {"added": list(changes.added), "modified": modified, "removed": changes.removed}


def field_changes(category: str, before: bytes | None, after: bytes | None) -> dict[str, Any]:
    """Return what differs between two states of a record, field by field; None is no record."""
    diff = diff_records(category, _record(before), _record(after), operation=net_operation(before, after))
    return {"is_critical": diff.is_critical, "fields": fields_value(diff)}


def fields_value(diff: RecordDiff) -> list[dict[str, Any]]:
    """Return the differences as JSON values."""
    return [asdict(one) for one in diff.field_diffs]


def net_operation(before: bytes | None, after: bytes | None) -> Operation:
    """Return what turns the one state of a record into the other."""
    if after is None:
        return "delete"
    return "create" if before is None else "update"


def _record(body: bytes | None) -> dict[str, Any] | None:
    if body is None:
        return None
    values: dict[str, Any] = json.loads(body)
    return values

"""The payload of the audit event of a model, and the replay of such events (http-write-api.md section 13)."""

from collections.abc import Mapping
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.record_diff import Operation
from horde_model_reference.strict_json import same_json

EXPLICIT_NULL: Final = "explicit_null"
"""Names the side of a delta (`old` or `new`) on which the field is there with the value null."""


class EventInvalid(ValueError):
    """A payload that is not one of its operation."""


def event_payload(before: Record | None, after: Record | None) -> dict[str, Any]:
    """Return what the event of a step from `before` to `after` carries; None is a record that is not there.

    `{"after": record}` for a create, `{"before": record}` for a delete, else
    `{"delta": {field: {"old", "new"}}}` with the top-level fields that differ. Both sides are always there.
    null stands for a field that is absent; where it is there and null, which is rare, the delta also has
    `"explicit_null": "old"` or `"new"`. A field in which only the order of nested keys changed differs too:
    replay gives back its bytes. Raises `ValueError` when both are None.
    """
    if before is None and after is None:
        raise ValueError("nothing happened: there is no record on either side")
    if before is None:
        return {"after": after}
    if after is None:
        return {"before": before}
    return {
        "delta": {
            name: _field_delta(name, before, after)
            for name in [*before, *(name for name in after if name not in before)]
            if not _same_field(name, before, after)
        }
    }


def replayed(record: Record | None, operation: Operation, payload: Mapping[str, Any]) -> Record | None:
    """Return the record after an event, given the one before it. Neither argument is changed.

    A create puts its record in place and a delete removes whatever is there. An update sets the fields of its
    delta, to an absent record as well, and removes those that are new without a value. New fields are last in
    the order. Raises `EventInvalid`.
    """
    if operation == "delete":
        return None
    after, delta = payload.get("after"), payload.get("delta")
    if isinstance(after, dict):
        return dict(after)
    if operation == "create" or not isinstance(delta, dict):
        raise EventInvalid(f"the payload of this {operation} has neither the record nor what changed of it")
    result = dict(record or {})
    for name, change in delta.items():
        if not isinstance(change, dict):
            raise EventInvalid(f"the delta of {name!r} is not an object")
        value = change.get("new")
        if value is None and change.get(EXPLICIT_NULL) != "new":
            result.pop(name, None)
        else:
            result[name] = value
    return result


def _same_field(name: str, before: Record, after: Record) -> bool:
    return (name in before) == (name in after) and same_json(before.get(name), after.get(name))


def _field_delta(name: str, before: Record, after: Record) -> dict[str, Any]:
    delta = {"old": before.get(name), "new": after.get(name)}
    for side, record in (("old", before), ("new", after)):
        if name in record and record[name] is None:
            delta[EXPLICIT_NULL] = side
    return delta

"""Three-way merge: an edit that was made to an older state of a record is made to the newest one."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.record_diff import same_value

SERVER_FIELDS: Final = frozenset({"metadata"})
"""Fields that the server keeps: what a proposal says of them does not count."""


class _Absent(Enum):
    """The value of a field that is not there."""

    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT


class MergeConflict(ValueError):
    """Both sides changed the same fields, to different values. `fields` are their paths, in order."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(f"changed by both sides: {', '.join(fields)}")
        self.fields = fields


def merge_three_way(base: Record, proposed: Record, current: Record) -> Record:
    """Return `current` with what `proposed` changed of `base`.

    As in `diff_records` objects are merged field by field, lists and scalars are changed as a whole. Absent
    is a value like any other. A field that both changed alike is no conflict. `metadata` is that of
    `current`, and so is the order of keys; new ones follow in the order of `proposed`. Raises
    `MergeConflict` naming every field that both changed differently.
    """
    conflicts: list[str] = []
    sides = (_with_server_fields(base, current), _with_server_fields(proposed, current), current)
    merged = _merge_objects(*sides, "", conflicts)
    if conflicts:
        raise MergeConflict(tuple(sorted(conflicts)))
    return merged


def _with_server_fields(record: Record, current: Record) -> Record:
    own = {key: value for key, value in record.items() if key not in SERVER_FIELDS}
    return own | {key: current[key] for key in SERVER_FIELDS if key in current}


def _merge_objects(
    base: Record, proposed: Record, current: Record, prefix: str, conflicts: list[str]
) -> Record:
    merged: Record = {}
    for key in _keys_in_order(current, proposed):
        sides = (base.get(key, ABSENT), proposed.get(key, ABSENT), current.get(key, ABSENT))
        value = _merge_values(*sides, f"{prefix}{key}", conflicts)
        if value is not ABSENT:
            merged[key] = value
    return merged


def _keys_in_order(current: Mapping[str, Any], proposed: Mapping[str, Any]) -> Iterator[str]:
    yield from current
    yield from (key for key in proposed if key not in current)


def _merge_values(base: Any, proposed: Any, current: Any, path: str, conflicts: list[str]) -> Any:  # noqa: ANN401 - any JSON values, or ABSENT
    if _same(proposed, base) or _same(proposed, current):
        return current
    if _same(current, base):
        return proposed
    sides = (_as_object(base), _as_object(proposed), _as_object(current))
    if sides[0] is None or sides[1] is None or sides[2] is None:
        conflicts.append(path)
        return current
    merged = _merge_objects(sides[0], sides[1], sides[2], f"{path}.", conflicts)
    was_removed = proposed is ABSENT or current is ABSENT
    return ABSENT if was_removed and not merged else merged


def _as_object(value: Any) -> Record | None:  # noqa: ANN401 - any JSON value, or ABSENT
    """Return the value as an object: one that is not there has no fields. None for anything else."""
    if value is ABSENT:
        return {}
    return value if isinstance(value, dict) else None


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 - any JSON values, or ABSENT
    if one is ABSENT or other is ABSENT:
        return one is other
    return same_value(one, other)

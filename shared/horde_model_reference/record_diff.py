"""What a change does to a record, field by field (http-write-api.md section 10)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from horde_model_reference.documents import Record
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY

Operation = Literal["create", "update", "delete"]
NetOperation = Literal["added", "modified", "deleted", "unchanged"]
ChangeType = Literal["added", "removed", "modified"]

DOWNLOADS: Final = "config.download"
_SMALL_MODEL_PATHS: Final = ("style", "nsfw", DOWNLOADS)

CRITICAL_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    MODEL_REFERENCE_CATEGORY.image_generation: (
        "baseline",
        "nsfw",
        "inpainting",
        "trigger",
        "homepage",
        DOWNLOADS,
    ),
    MODEL_REFERENCE_CATEGORY.text_generation: ("baseline", "nsfw", "url", "parameters", DOWNLOADS),
    MODEL_REFERENCE_CATEGORY.controlnet: _SMALL_MODEL_PATHS,
    MODEL_REFERENCE_CATEGORY.blip: _SMALL_MODEL_PATHS,
    MODEL_REFERENCE_CATEGORY.clip: _SMALL_MODEL_PATHS,
    MODEL_REFERENCE_CATEGORY.codeformer: _SMALL_MODEL_PATHS,
    MODEL_REFERENCE_CATEGORY.esrgan: _SMALL_MODEL_PATHS,
    MODEL_REFERENCE_CATEGORY.gfpgan: _SMALL_MODEL_PATHS,
    MODEL_REFERENCE_CATEGORY.safety_checker: _SMALL_MODEL_PATHS,
}
"""The fields that decide which files a worker loads and who gets to see the model. In a category that is not
listed nothing is critical (http-write-api.md section 10)."""


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field that differs. The path is joined with dots; an absent field has the value None."""

    field_path: str
    old_value: Any
    new_value: Any
    change_type: ChangeType


@dataclass(frozen=True, slots=True)
class RecordDiff:
    """Everything that differs between two states of a record. The `fields_*` are the paths by change type."""

    net_operation: NetOperation
    field_diffs: tuple[FieldDiff, ...]
    is_critical: bool

    @property
    def fields_added(self) -> tuple[str, ...]:
        """The paths of fields that only the new state has."""
        return self._paths("added")

    @property
    def fields_removed(self) -> tuple[str, ...]:
        """The paths of fields that only the old state has."""
        return self._paths("removed")

    @property
    def fields_modified(self) -> tuple[str, ...]:
        """The paths of fields that both states have with different values."""
        return self._paths("modified")

    def _paths(self, change_type: ChangeType) -> tuple[str, ...]:
        return tuple(item.field_path for item in self.field_diffs if item.change_type == change_type)


def diff_records(
    category: str, current: Record | None, proposed: Record | None, *, operation: Operation
) -> RecordDiff:
    """Return what `operation` with the record `proposed` does to `current`; None is no record.

    A deletion removes every field, whatever `proposed` holds, and is critical in each category that knows
    critical fields. Objects are walked, lists and scalars compared as a whole and strictly: 1, 1.0 and true
    differ. Two-sided diffs are in the order of the keys, one-sided ones in that of the record. An empty
    object makes no entry.
    """
    after = None if operation == "delete" else proposed
    diffs = tuple(_object_diffs(current, after, ""))
    if current is None:
        net: NetOperation = "unchanged" if after is None else "added"
    elif after is None:
        net = "deleted"
    else:
        net = "modified" if diffs else "unchanged"
    critical = CRITICAL_PATHS.get(category, ())
    is_critical = any(_is_at_or_below(item.field_path, critical) for item in diffs)
    return RecordDiff(net, diffs, is_critical or (net == "deleted" and bool(critical)))


def same_value(one: object, other: object) -> bool:
    """Say whether two JSON values mean the same: 1, 1.0 and true differ, orders of keys do not."""
    return one is other or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _object_diffs(old: Record | None, new: Record | None, prefix: str) -> Iterator[FieldDiff]:
    """Yield the differences between two objects; None is one that is not there."""
    keys = sorted(old.keys() | new.keys()) if old and new else [*(old or new or ())]
    for key in keys:
        path = f"{prefix}{key}"
        if old is None or key not in old:
            yield from _one_sided((new or {})[key], path, "added")
        elif new is None or key not in new:
            yield from _one_sided(old[key], path, "removed")
        else:
            yield from _value_diffs(old[key], new[key], path)


def _one_sided(value: Any, path: str, change_type: ChangeType) -> Iterator[FieldDiff]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _one_sided(item, f"{path}.{key}", change_type)
    elif change_type == "added":
        yield FieldDiff(path, None, value, change_type)
    else:
        yield FieldDiff(path, value, None, change_type)


def _value_diffs(old: Any, new: Any, path: str) -> Iterator[FieldDiff]:  # noqa: ANN401 - any JSON values
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _object_diffs(old, new, f"{path}.")
    elif not same_value(old, new):
        yield FieldDiff(path, old, new, "modified")


def _is_at_or_below(path: str, critical: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(f"{root}.") for root in critical)

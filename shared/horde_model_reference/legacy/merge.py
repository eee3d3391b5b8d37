"""An edited v2 record, carried over to its legacy original (data-model.md section 6, rule 3)."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.legacy.from_v2 import IMAGE_FIELDS, OMITTED_WHEN_EMPTY, legacy_value
from horde_model_reference.legacy.key_order import (
    IMAGE_KEYS,
    RECORD_KEYS,
    in_order,
    with_key,
    without_nulls,
)
from horde_model_reference.legacy.merge_files import merge_config
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.strict_json import same_json

_MERGED_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    MODEL_REFERENCE_CATEGORY.image_generation: (*IMAGE_FIELDS, "baseline"),
    MODEL_REFERENCE_CATEGORY.clip: ("name", "description", "version", "pretrained_name"),
}
_COMMON_FIELDS: Final = ("name", "description", "version")


def merge_legacy(
    category: str,
    original: Record,
    before: Record,
    after: Record,
    removed: AbstractSet[str] = frozenset(),
) -> Record:
    """Return `original` with the keys changed that correspond to what differs between two valid v2 records.

    Everything that v2 does not know stays. `removed` are the fields that were removed or set to null: of a
    list that is empty now the record alone does not tell. When nothing that legacy shows differs, `original`
    itself comes back.
    """
    changed = _changed_values(category, original, before, after)
    changed |= _changed_lists(changed, original, after, removed)
    config = merge_config(original.get("config"), before.get("config", {}), after["config"])
    if config is not None:
        changed["config"] = config
    if not changed:
        return original
    order = RECORD_KEYS.get(category, ())
    merged = original
    for key, value in changed.items():
        merged = with_key(merged, key, value, order)
    cleaned: Record = without_nulls(merged)
    return in_order(cleaned, IMAGE_KEYS) if order is IMAGE_KEYS else cleaned


def _changed_values(category: str, original: Record, before: Record, after: Record) -> dict[str, Any]:
    fields = _MERGED_FIELDS.get(category, _COMMON_FIELDS)
    changed = {
        field: legacy_value(field, after.get(field))
        for field in fields
        if not same_json(before.get(field), after.get(field))
    }
    if category == MODEL_REFERENCE_CATEGORY.controlnet:
        changed |= _changed_type(original, before.get("controlnet_style"), after.get("controlnet_style"))
    return changed


def _changed_lists(
    changed: Mapping[str, Any], original: Record, after: Record, removed: AbstractSet[str]
) -> dict[str, Any]:
    """Tell what happens to lists that are empty now: without a key of their own they get none."""
    empty = [field for field in OMITTED_WHEN_EMPTY if field in original and after.get(field) == []]
    gone = {field: None for field in empty if field in removed}
    return gone | {field: [] for field in empty if field in changed and field not in removed}


def _changed_type(original: Record, before: str | None, after: str | None) -> dict[str, Any]:
    """Tell what happens to `type` and to `style`, which repeats it or stands in for it."""
    if before == after:
        return {}
    if not original.get("type") and original.get("style"):
        return {"style": after}
    if after is None or original.get("style") == before:
        return {"type": after, "style": after} if "style" in original else {"type": after}
    return {"type": after}

"""The order of keys in a legacy record that is written anew (data-model.md sections 4 and 6)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.legacy.key_order import (
    CONFIG_KEYS,
    DOWNLOAD_KEYS,
    FILE_KEYS,
    IMAGE_KEYS,
    RECORD_KEYS,
    in_order,
    with_key,
)

_ENTRIES: Final = (("files", "path", FILE_KEYS), ("download", "file_name", DOWNLOAD_KEYS))


def ordered_record(category: str, record: Record, original: Record | None = None) -> Record:
    """Return the record with its keys in the order of the record that it replaces, at every level.

    Keys that the replaced one does not have stand where the category's file has them, unknown ones before
    `config`. Image records always have the canonical order.
    """
    config = record.get("config")
    if isinstance(config, dict):
        record = {**record, "config": _ordered_config(config, (original or {}).get("config"))}
    order = RECORD_KEYS.get(category, ())
    if order is IMAGE_KEYS:
        return in_order(record, IMAGE_KEYS)
    return _ordered(record, original, order)


def _ordered(target: Mapping[str, Any], original: Mapping[str, Any] | None, order: Sequence[str]) -> Record:
    if original is None:
        result: Record = {key: target[key] for key in order if key in target}
    else:
        result = {key: target[key] for key in original if key in target}
    for key, value in target.items():
        if key not in result:
            result = with_key(result, key, value, order)
    return result


def _ordered_config(config: Mapping[str, Any], original: object) -> Record:
    before = original if isinstance(original, dict) else {}
    result = _ordered(config, before or None, CONFIG_KEYS)
    for part, key, order in _ENTRIES:
        known = _by_name(before.get(part), key)
        if part in result:
            result[part] = [_ordered(item, known.get(item[key]), order) for item in result[part]]
    return result


def _by_name(entries: object, key: str) -> dict[str, Record]:
    """Return the entries by their file. The replaced record may be one that was never valid."""
    if not isinstance(entries, list):
        return {}
    return {item[key]: item for item in entries if isinstance(item, dict) and isinstance(item.get(key), str)}

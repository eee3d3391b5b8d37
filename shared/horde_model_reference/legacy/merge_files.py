"""Changed downloads of a v2 record, carried over to `files` and `download` of its legacy original."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.legacy.from_v2 import fresh_download, fresh_file
from horde_model_reference.legacy.key_order import CONFIG_KEYS, DOWNLOAD_KEYS, FILE_KEYS, with_key
from horde_model_reference.model_reference_records import UNKNOWN_SHA256
from horde_model_reference.strict_json import same_json

_VISIBLE: Final = ("file_name", "file_url", "sha256sum", "file_purpose", "content_hash")
"""What of a v2 download legacy shows."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A v2 download after the change, and what it was before; None for an additional one."""

    before: Record | None
    after: Record


@dataclass(slots=True)
class _Slot:
    """The legacy entries of one v2 download, and what v2 does not know behind them."""

    name: str | None
    entries: list[Record] = field(default_factory=list)


def merge_config(original: Record | None, before: Record, after: Record) -> Record | None:
    """Return the legacy config after a change of the v2 config, None when legacy shows nothing of it.

    Entries that v2 does not know (YAML files) stay behind the file they follow. A file whose hash changes
    loses its md5sum. A download under a new name at the place of one that is gone is taken as the same file.
    """
    changed: dict[str, Any] = {}
    if not same_json(_visible(before), _visible(after)):
        known = before.get("download", [])
        pairs = _pair(known, after["download"])
        names = {item["file_name"] for item in known}
        legacy = original or {}
        changed["files"] = _merge_files(_slots(legacy.get("files"), "path", names), pairs)
        changed["download"] = _merge_downloads(_slots(legacy.get("download"), "file_name", names), pairs)
    hashes = after.get("embedded_component_hashes")
    if before.get("embedded_component_hashes") != hashes:
        changed["embedded_component_hashes"] = hashes
    if not changed:
        return None
    config: Record = original or {}
    for key, value in changed.items():
        config = with_key(config, key, value, CONFIG_KEYS)
    return config


def _visible(config: Record) -> list[list[Any]]:
    return [[item.get(key) for key in _VISIBLE] for item in config.get("download", ())]


def _pair(before: Sequence[Record], after: Sequence[Record]) -> list[_Pair]:
    old = {item["file_name"]: item for item in before}
    kept = {item["file_name"] for item in after}
    pairs = []
    for index, item in enumerate(after):
        known = old.pop(item["file_name"], None)
        if known is None and index < len(before) and before[index]["file_name"] not in kept:
            known = old.pop(before[index]["file_name"], None)
        pairs.append(_Pair(known, item))
    return pairs


def _slots(entries: Sequence[Record] | None, key: str, names: set[str]) -> list[_Slot]:
    """Sort entries into slots. The first slot has no name: it holds what stands before all known entries."""
    current = _Slot(None)
    slots: dict[str | None, _Slot] = {None: current}
    for entry in entries or ():
        if entry[key] in names:
            current = slots.setdefault(entry[key], _Slot(entry[key]))
        current.entries.append(entry)
    return list(slots.values())


def _merge_files(slots: list[_Slot], pairs: Sequence[_Pair]) -> list[Record]:
    slots = _without_removed(slots, "path", pairs)
    by_name = {slot.name: slot.entries for slot in slots}
    merged = list(by_name.get(None, ()))
    for pair in pairs:
        entries = by_name.get(pair.before["file_name"]) if pair.before else None
        merged += _changed_file(entries, pair) if entries else [fresh_file(pair.after)]
    return merged


def _merge_downloads(slots: list[_Slot], pairs: Sequence[_Pair]) -> list[Record]:
    slots = _without_removed(slots, "file_name", pairs)
    by_name = {slot.name: slot.entries for slot in slots}
    merged = list(by_name.get(None, ()))
    for pair in pairs:
        entries = by_name.get(pair.before["file_name"]) if pair.before else None
        if entries:
            merged += _changed_download(entries, pair)
        elif pair.before is None or pair.after["file_url"]:
            merged.append(fresh_download(pair.after))
    return merged


def _without_removed(slots: list[_Slot], key: str, pairs: Sequence[_Pair]) -> list[_Slot]:
    """Drop the entries of downloads that are gone; what stood behind them moves up."""
    kept = {pair.before["file_name"] for pair in pairs if pair.before}
    remaining: list[_Slot] = []
    for slot in slots:
        if slot.name is None or slot.name in kept:
            remaining.append(slot)
        else:
            remaining[-1].entries += [entry for entry in slot.entries if entry[key] != slot.name]
    return remaining


def _changed_file(entries: list[Record], pair: _Pair) -> list[Record]:
    before, after = pair.before or {}, pair.after
    own = [index for index, entry in enumerate(entries) if entry["path"] == before["file_name"]]
    changed = list(entries)
    for index in own:
        changed[index] = with_key(changed[index], "path", after["file_name"], FILE_KEYS)
    last = own[-1]  # of several entries of one path the last one counts
    if not _is_same_content(before, after):
        changed[last] = with_key(changed[last], "md5sum", None, FILE_KEYS)
    if before["sha256sum"] != after["sha256sum"]:
        changed[last] = with_key(changed[last], "sha256sum", after["sha256sum"], FILE_KEYS)
    for source, key in (("file_purpose", "file_type"), ("content_hash", "content_hash")):
        if before.get(source) != after.get(source):
            changed[last] = with_key(changed[last], key, after.get(source), FILE_KEYS)
    return changed


def _is_same_content(before: Record, after: Record) -> bool:
    """Say whether an md5sum still holds. Under another name and without a hash it may be any file."""
    if before["sha256sum"] == after["sha256sum"] == UNKNOWN_SHA256:
        return bool(before["file_name"] == after["file_name"])
    return bool(before["sha256sum"].lower() == after["sha256sum"].lower())


def _changed_download(entries: list[Record], pair: _Pair) -> list[Record]:
    before, after = pair.before or {}, pair.after
    changed = [with_key(entry, "file_name", after["file_name"], DOWNLOAD_KEYS) for entry in entries]
    if before["file_url"] != after["file_url"]:
        changed[-1] = with_key(changed[-1], "file_url", after["file_url"], DOWNLOAD_KEYS)
    return changed

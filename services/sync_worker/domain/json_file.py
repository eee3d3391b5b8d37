"""A legacy JSON file brought in step by as small a difference as its form allows (sync.md section 7)."""

from collections.abc import Mapping

from horde_model_reference.documents import Record
from horde_model_reference.legacy.source_text import LegacyText
from horde_model_reference.strict_json import JsonObject, read_json_object
from sync_worker.domain.drift import drift_of, same_value
from sync_worker.domain.json_patch import in_order_of, patched_text


def updated_json(category: str, present: bytes, wanted: Mapping[str, Record]) -> bytes:
    """Return the file with the wanted records in it.

    Records that did not change keep text and place, new ones stand at the end, and a changed record of which
    only plain values differ has only these rewritten; else it is written anew in the style its text had.
    Raises `SourceUnreadable` for a file that cannot be read.
    """
    source = read_json_object(present, category)
    drift = drift_of(category, wanted, values_of(source))
    if not drift.total:
        return present
    patched = _with_patched_values(source, {name: wanted[name] for name in drift.modified})
    source = read_json_object(patched.encode("utf-8"), category)
    text = LegacyText(source)
    for name in drift.removed:
        text.remove(name)
    for name in drift.modified:
        member = source.members[name]
        if not isinstance(member.value, dict):
            text.put(name, wanted[name])
        elif not same_value(member.value, wanted[name]):
            text.replace(name, in_order_of(member.value, wanted[name]))
    for name in drift.added:
        text.put(name, wanted[name])
    return text.render()


def values_of(source: JsonObject) -> dict[str, object]:
    """Return the records of a file; one that has a flaw is None, which no record equals."""
    return {name: member.value for name, member in source.members.items()}


def _with_patched_values(source: JsonObject, wanted: Mapping[str, Record]) -> str:
    """Return the text with those records changed for which it is enough to rewrite plain values."""
    parts, position = list[str](), 0
    for name, member in source.members.items():
        if name not in wanted or member.flaw is not None:
            continue
        text = patched_text(source.text[member.value_start : member.value_end], member.value, wanted[name])
        if text is not None:
            parts += (source.text[position : member.value_start], text)
            position = member.value_end
    return "".join((*parts, source.text[position:]))

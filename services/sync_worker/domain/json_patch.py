"""New values inside of JSON text that somebody has formatted by hand."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from horde_model_reference.strict_json import read_json_object
from sync_worker.domain.drift import same_value

BETWEEN: Final = re.compile(r"[\s,]*")
DECODER: Final = json.JSONDecoder()


def patched_text(text: str, present: object, wanted: object) -> str | None:
    """Return the text of `present` with only the plain values rewritten that differ in `wanted`.

    None if that is not enough: members or elements were added or removed, or change their kind.
    """
    if same_value(present, wanted):
        return text
    if isinstance(present, dict) and isinstance(wanted, dict):
        return _patched_object(text, present, wanted)
    if isinstance(present, list) and isinstance(wanted, list):
        return _patched_array(text, present, wanted)
    if isinstance(present, dict | list) or isinstance(wanted, dict | list):
        return None
    return json.dumps(wanted, allow_nan=False)


def in_order_of(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return `wanted` with its members in the order of `present`, at every level.

    New members stand behind the one that they follow in `wanted`.
    """
    order = [key for key in present if key in wanted]
    place = 0
    for key in wanted:
        if key not in present:
            order.insert(place, key)
        place = order.index(key) + 1
    return {key: _ordered(present.get(key), wanted[key]) for key in order}


def _ordered(present: object, wanted: object) -> object:
    if isinstance(present, dict) and isinstance(wanted, dict):
        return in_order_of(present, wanted)
    if isinstance(present, list) and isinstance(wanted, list):
        old = (*present, *[None] * len(wanted))
        return [_ordered(old[index], item) for index, item in enumerate(wanted)]
    return wanted


def _patched_object(text: str, present: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
    if present.keys() != wanted.keys():
        return None
    members = read_json_object(text.encode("utf-8")).members
    keys = list(members)
    places = [(members[key].value_start, members[key].value_end) for key in keys]
    return _patched(text, places, [present[key] for key in keys], [wanted[key] for key in keys])


def _patched_array(text: str, present: Sequence[Any], wanted: Sequence[Any]) -> str | None:
    if len(present) != len(wanted):
        return None
    return _patched(text, list(_elements(text, len(present))), present, wanted)


def _elements(text: str, count: int) -> Iterator[tuple[int, int]]:
    """Yield where the elements of an array begin and end in its text."""
    position = 1
    for _ in range(count):
        between = BETWEEN.match(text, position)
        start = between.end() if between else position
        _, position = DECODER.raw_decode(text, start)
        yield start, position


def _patched(
    text: str, places: Sequence[tuple[int, int]], present: Sequence[Any], wanted: Sequence[Any]
) -> str | None:
    parts, position = list[str](), 0
    for (start, end), old, new in zip(places, present, wanted, strict=True):
        value = patched_text(text[start:end], old, new)
        if value is None:
            return None
        parts += (text[position:start], value)
        position = end
    return "".join((*parts, text[position:]))

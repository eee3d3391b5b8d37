"""How legacy JSON is written: canonically, or in the style of a text (data-model.md section 4)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from horde_model_reference.documents import Record

_FIRST_MEMBER: Final = re.compile(r'\{\s*?(\r?\n)([ \t]*)"')
_LAST_LINE: Final = re.compile(r"\n([ \t]*)\}\Z")
_FIRST_COLON: Final = re.compile(r'\{\s*"(?:[^"\\]|\\.)*+"([ \t]*:[ \t]*)')
_FIRST_COMMA: Final = re.compile(r",[ \t]*")


@dataclass(frozen=True, slots=True)
class Layout:
    """The style of a record's text. `margin` precedes its closing brace, `indent` is added for each level.

    Without `newline` the text is on one line, with `comma` between its members.
    """

    newline: str = "\n"
    margin: str = "    "
    indent: str = "    "
    colon: str = ": "
    comma: str = ", "


CANONICAL: Final = Layout()
"""A record of a canonical file."""


def render_legacy(records: Mapping[str, Record]) -> bytes:
    """Return the canonical file: four blanks a level, everything beyond ASCII escaped, a final newline."""
    return (json.dumps(records, indent=4, allow_nan=False) + "\n").encode("ascii")


def format_record(record: Record, layout: Layout = CANONICAL) -> str:
    """Return the text of a record in the style of a file, from brace to brace, in ASCII."""
    if not layout.newline:
        return json.dumps(record, allow_nan=False, separators=(layout.comma, layout.colon))
    text = json.dumps(record, indent=layout.indent, allow_nan=False, separators=(",", layout.colon))
    return text.replace("\n", layout.newline + layout.margin)  # a line break inside a string is escaped


def layout_of(text: str) -> Layout | None:
    """Return the style of a record's text; None when it shows none, as `{}` does."""
    colon = _FIRST_COLON.match(text)
    if colon is None:
        return None
    first, last = _FIRST_MEMBER.match(text), _LAST_LINE.search(text)
    if first is None or last is None:
        comma = _FIRST_COMMA.search(text, colon.end())
        return Layout(newline="", colon=colon[1], comma=comma[0] if comma else ", ")
    margin, indent = last[1], first[2]
    if indent.startswith(margin) and indent != margin:
        indent = indent.removeprefix(margin)
    else:  # tabs mixed with blanks: the margin tells nothing about the levels
        indent = "\t" if "\t" in indent else CANONICAL.indent
    return Layout(first[1], margin, indent, colon[1])

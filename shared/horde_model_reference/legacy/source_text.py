"""The text of a legacy file, in which single records can be replaced, added and removed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from horde_model_reference.documents import Record
from horde_model_reference.legacy.format import CANONICAL, Layout, format_record, layout_of
from horde_model_reference.strict_json import JsonObject

_LEAD: Final = CANONICAL.newline + CANONICAL.margin
_CANONICAL_LAYOUTS: Final = (None, CANONICAL, Layout(newline="\r\n"))


@dataclass(slots=True)
class _Member:
    """A record's text. `lead` stands before its name: white space, and a comma unless it is the first."""

    lead: str
    name: str
    colon: str
    body: str


class LegacyText:
    """A legacy file being edited. Records that are not touched keep their text to the byte."""

    def __init__(self, source: JsonObject) -> None:
        text, position = source.text, source.opened + 1
        self._opening = text[:position]
        self._members: dict[str, _Member] = {}
        for name, item in source.members.items():
            self._members[name] = _Member(
                lead=text[position : item.key_start],
                name=text[item.key_start : item.key_end],
                colon=text[item.key_end : item.value_start],
                body=text[item.value_start : item.value_end],
            )
            position = item.value_end
        self._closing = text[position:]
        self._first_lead = next((item.lead for item in self._members.values()), "")
        self._newline = "\r\n" if "\r\n" in text else "\n"

    @property
    def is_canonical(self) -> bool:
        """Whether the records stand as in a canonical file; line ends and what is in them do not matter."""
        leads = [item.lead.replace("\r\n", "\n") for item in self._members.values()]
        return (
            leads == [_LEAD, *[f",{_LEAD}"] * (len(leads) - 1)][: len(leads)]
            and all(item.colon == CANONICAL.colon for item in self._members.values())
            and all(layout_of(item.body) in _CANONICAL_LAYOUTS for item in self._members.values())
            and self._closing.replace("\r\n", "\n") == ("\n}\n" if leads else "}\n")
        )

    def make_canonical(self, records: Mapping[str, Record]) -> None:
        """Bring the whole file into canonical form; records without a value keep their own text."""
        for name, item in self._members.items():
            item.lead, item.name, item.colon = f",{_LEAD}", json.dumps(name), CANONICAL.colon
            if records.get(name) is not None:
                item.body = format_record(records[name])
        self._opening, self._closing = "{", "\n}\n" if self._members else "}\n"
        self._first_lead, self._newline = _LEAD, CANONICAL.newline

    def replace(self, name: str, record: Record) -> None:
        """Write a record anew at its place, in the style that its text had."""
        member = self._members[name]
        member.body = format_record(record, layout_of(member.body) or self._usual_layout())

    def put(self, name: str, record: Record) -> None:
        """Write a new record: at the end, or over the unusable one that stands under its name."""
        body = format_record(record, self._usual_layout())
        if name in self._members:
            self._members[name].body = body
            return
        if not self._members:
            self._open_up()
        colon = self._last.colon if self._members else CANONICAL.colon
        self._members[name] = _Member(self._next_lead(), json.dumps(name), colon, body)

    def remove(self, name: str) -> None:
        """Remove a record, if it is there; the order of the others stays."""
        self._members.pop(name, None)
        if not self._members:
            self._closing = self._closing.lstrip()

    def render(self) -> bytes:
        """Return the bytes of the file."""
        parts = [self._opening]
        for index, item in enumerate(self._members.values()):
            lead = item.lead if index else self._without_comma(item.lead)
            parts += (lead, item.name, item.colon, item.body)
        return "".join((*parts, self._closing)).encode("utf-8")

    def _without_comma(self, lead: str) -> str:
        """Return what stands before the first record, also when that one was not always the first."""
        if "," not in lead:
            return lead
        return lead.replace(",", "", 1) if "\n" in lead else self._first_lead

    @property
    def _last(self) -> _Member:
        return next(reversed(self._members.values()))

    def _usual_layout(self) -> Layout:
        for item in reversed(self._members.values()):
            layout = layout_of(item.body)
            if layout is not None:
                return layout
        return Layout(newline=self._newline)

    def _open_up(self) -> None:
        """Give an empty file the form of a canonical one."""
        after = self._closing.lstrip().removeprefix("}")
        self._closing = f"{self._newline}}}{after or self._newline}"

    def _next_lead(self) -> str:
        if not self._members:
            return self._newline + CANONICAL.margin
        lead = self._last.lead
        if "," in lead:
            return lead
        return f",{lead}" if "\n" in lead else ", "

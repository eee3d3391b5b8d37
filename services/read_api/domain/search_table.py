"""The records of one category, or of all, in columns that a search can run over."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, TypeVar

from read_api.domain.ranks import Ranks, rank
from read_api.domain.records import StoredRecord
from service_kit.slices import Steps

T = TypeVar("T")

NAME: Final = "name"
TAGS: Final = "tags"


@dataclass(frozen=True, slots=True)
class RecordFields:
    """The fields of a record type: their names as parameters give them, and their keys in stored records."""

    keys: Mapping[str, str]
    defaults: Mapping[str, bool]
    """What an absent value of a true-or-false field stands for."""

    def __contains__(self, name: object) -> bool:
        return name in self.keys


@dataclass(frozen=True, slots=True)
class SearchTable:
    """Rows in source order, one for each `name`. `category` is None for the table of all categories.

    `tails` holds what the answer adds to the end of a stored record (empty: nothing).
    """

    category: str | None
    fields: RecordFields
    names: list[str] = field(default_factory=list)
    folded_names: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tails: list[bytes] = field(default_factory=list)
    nsfw: list[bool | None] = field(default_factory=list)
    inpainting: list[bool | None] = field(default_factory=list)
    baselines: list[str | None] = field(default_factory=list)
    quantized: list[bool] = field(default_factory=list)
    tag_rows: dict[str, list[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)


class SearchTableBuilder:
    """Makes the table of one category while its records go by."""

    def __init__(self, category: str, fields: RecordFields) -> None:
        self._table = SearchTable(category, fields)
        self._seen: set[str] = set()
        self._shared: dict[
            str, str
        ] = {}  # one object for equal texts: a few baselines and tags fill a column

    def add(self, record: StoredRecord, *, quantized: bool) -> None:
        """Append a record; a second one of the same `name` is left out."""
        values, table = record.values, self._table
        name = values.get(NAME)
        name = name if isinstance(name, str) else record.key
        if name in self._seen:
            return
        self._seen.add(name)
        row = len(table)
        table.names.append(name)
        table.folded_names.append(name.lower())
        table.bodies.append(record.body)
        table.tails.append(_tail(values, table.fields))
        table.nsfw.append(self._truth(values, "nsfw"))
        table.inpainting.append(self._truth(values, "inpainting"))
        table.baselines.append(self._text(values.get("baseline")))
        table.quantized.append(quantized)
        for tag in _tags(values.get(TAGS)):
            table.tag_rows.setdefault(tag, []).append(row)

    def finish(self) -> SearchTable:
        """Return the table; nothing may be added afterwards."""
        return self._table

    def _truth(self, values: Mapping[str, Any], key: str) -> bool | None:
        value = values.get(key)
        return value if isinstance(value, bool) else self._table.fields.defaults.get(key)

    def _text(self, value: object) -> str | None:
        return self._shared.setdefault(value, value) if isinstance(value, str) else None


def _tags(value: object) -> dict[str, None]:
    """Return the distinct tags; what is none (a replica may get anything) is left out."""
    return dict.fromkeys(tag for tag in value if isinstance(tag, str)) if isinstance(value, list) else {}


def _tail(values: Mapping[str, Any], fields: RecordFields) -> bytes:
    """Search names the size of a text model `parameters_count`, its stored record `parameters`."""
    count = values.get("parameters")
    if count is None or "parameters_count" not in fields:
        return b""
    return b',"parameters_count":' + json.dumps(count).encode() + b"}"


def combine(tables: Sequence[SearchTable], fields: RecordFields) -> SearchTable:
    """Return one table of all rows, in the order of the tables, with the fields that all of them have."""
    tag_rows: dict[str, list[int]] = {}
    offset = 0
    for table in tables:
        for tag, rows in table.tag_rows.items():
            tag_rows.setdefault(tag, []).extend(row + offset for row in rows)
        offset += len(table)
    return SearchTable(
        category=None,
        fields=fields,
        names=_joined(table.names for table in tables),
        folded_names=_joined(table.folded_names for table in tables),
        bodies=_joined(table.bodies for table in tables),
        tails=_joined(table.tails for table in tables),
        nsfw=_joined(table.nsfw for table in tables),
        inpainting=_joined(table.inpainting for table in tables),
        baselines=_joined(table.baselines for table in tables),
        quantized=_joined(table.quantized for table in tables),
        tag_rows=tag_rows,
    )


def _joined(columns: Iterable[list[T]]) -> list[T]:
    return list(chain.from_iterable(columns))


def rank_steps(table: SearchTable) -> Steps[dict[str, Ranks]]:
    """Rank the rows by every field, one record or one field at a time."""
    keys = table.fields.keys
    columns: dict[str, list[Any]] = {name: [] for name in keys}
    for body in table.bodies:
        values = json.loads(body)
        for name, key in keys.items():
            columns[name].append(values.get(key, table.fields.defaults.get(name)))
        yield
    ranks: dict[str, Ranks] = {}
    for name in keys:
        ranks[name] = rank(columns.pop(name))
        yield
    return ranks

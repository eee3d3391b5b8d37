"""How hours are written into an object: one line of JSON about all models, then one line for each.

A model's line is its name and, for each of `points.COLUMNS`, a list with one value for each hour of the
object. In the hours in which it was no reference model all of them are null. The name alone stands for
a model that was there all the time without any figure but 0: that is most of them.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from service_kit.coding import Coding, Effort, compress_steps
from service_kit.errors import ServiceError
from service_kit.slices import Steps
from stats.history.object_names import Hour
from stats.history.points import COLUMNS, NOTHING_KNOWN, Point, Value, Values
from stats.history.tally import HourTally

T = TypeVar("T")

Column = tuple[Value, ...]
Columns = tuple[Column, ...]

SCHEMA_VERSION: Final = 1
PIECE_BYTES: Final = 4096
STEP_LINES: Final = 32  # so many take about a tenth of a millisecond


class PackUnreadable(ServiceError):
    """An object of the history is damaged, or of a newer version."""


class PackHead(BaseModel):
    """What an object tells about all models; each list has one value for each hour.

    `hours` holds their beginnings in Unix seconds, ascending.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    schema_version: Literal[1] = SCHEMA_VERSION
    category: str
    hours: tuple[int, ...] = Field(min_length=1)
    samples: tuple[int, ...]
    models: tuple[int, ...]
    unattributed_names: tuple[int, ...]
    all: Columns
    unattributed: Columns

    @model_validator(mode="after")
    def _columns_fit(self) -> "PackHead":
        columns = (self.samples, self.models, self.unattributed_names, *self.all, *self.unattributed)
        if len(self.all) != len(COLUMNS) or len(self.unattributed) != len(COLUMNS):
            raise ValueError("columns are missing")
        if any(len(column) != len(self.hours) for column in columns):
            raise ValueError("a column is of another length")
        return self

    @property
    def zeros(self) -> Columns:
        """The columns of a model without any figure but 0: null where nothing was known of any model."""
        return tuple(tuple(None if value is None else 0 for value in column) for column in self.all)

    def total_points(self) -> list[Point]:
        """Return the points of all models together."""
        unattributed = zip(*self.unattributed, strict=True)
        return [
            Point(at, samples, values, rest, {"models": models, "unattributed_names": names})
            for at, samples, values, rest, models, names in zip(
                self.hours,
                self.samples,
                zip(*self.all, strict=True),
                unattributed,
                self.models,
                self.unattributed_names,
                strict=True,
            )
        ]

    def model_points(self, columns: Columns) -> list[Point]:
        """Return the points of a model; none for the hours in which it was not there."""
        rows = zip(self.hours, self.samples, zip(*columns, strict=True), strict=True)
        return [Point(at, samples, values) for at, samples, values in rows if values != NOTHING_KNOWN]


_COLUMNS: Final = TypeAdapter(Columns, config=ConfigDict(strict=True))


def hour_steps(hour: Hour, tally: HourTally) -> Steps[bytes]:
    """Return the object of one hour."""
    head = PackHead(
        category=hour.category,
        hours=(hour.start,),
        samples=(len(tally.moments),),
        models=(tally.model_count,),
        unattributed_names=(tally.unattributed_names,),
        all=_single(tally.all.values),
        unattributed=_single(tally.unattributed.values),
    )
    rows = ((name, _single(row.values)) for name, row in tally.models.items())
    return (yield from _write_steps(head, rows))


def day_steps(packs: Sequence[bytes]) -> Steps[bytes]:
    """Return one object with the hours of several, which are ordered by time and have none in common.

    Raises `PackUnreadable`.
    """
    heads: list[PackHead] = []
    rows: list[dict[str, Columns]] = []
    for pack in packs:
        head, lines = _opened(pack)
        heads.append(head)
        rows.append((yield from _row_steps(head, lines)))
    names = dict.fromkeys(name for some in rows for name in some)
    absent = [tuple((None,) * len(head.hours) for _ in COLUMNS) for head in heads]
    joined = (
        (name, _side_by_side([some.get(name, absent[n]) for n, some in enumerate(rows)])) for name in names
    )
    return (yield from _write_steps(_joined_head(heads), joined))


def read_head(pack: bytes) -> PackHead:
    """Return what an object tells about all models. Raises `PackUnreadable`.

    The rest is not even unpacked, so it may be damaged.
    """
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    line = bytearray()
    try:
        while b"\n" not in line and pack:
            line += unpacker.decompress(pack, PIECE_BYTES)
            pack = unpacker.unconsumed_tail
    except zlib.error as error:
        raise PackUnreadable("it is not packed with gzip") from error
    return _parse_head(bytes(line.partition(b"\n")[0]))


def read_points(pack: bytes, model: str) -> list[Point]:
    """Return the points of a model. Raises `PackUnreadable`."""
    head, lines = _opened(pack)
    beginning = b"\n[" + orjson.dumps(model)
    start = lines.find(beginning)  # the only one: names are unique, and strings hold no line breaks
    if start < 0:
        return []
    end = lines.find(b"\n", start + 1)
    _, columns = _parse_row(head, lines[start + 1 : end])
    return head.model_points(columns)


def check_pack(pack: bytes) -> PackHead:
    """Return the head of an object that is whole. Raises `PackUnreadable`."""
    return _opened(pack)[0]


def _single(values: Values) -> Columns:
    return tuple((value,) for value in values)


def _write_steps(head: PackHead, rows: Iterable[tuple[str, Columns]]) -> Steps[bytes]:
    zeros = head.zeros
    lines = [orjson.dumps(head.model_dump())]
    for number, (name, columns) in enumerate(rows):
        lines.append(orjson.dumps([name] if columns == zeros else [name, *columns]))
        if number % STEP_LINES == 0:
            yield
    lines.append(b"")
    return (yield from compress_steps(b"\n".join(lines), Coding.GZIP, Effort.BEST))


def _opened(pack: bytes) -> tuple[PackHead, bytes]:
    """Return the head and, from the line break behind it, the lines of the models."""
    try:
        text = gzip.decompress(pack)
    except (OSError, EOFError, zlib.error) as error:
        raise PackUnreadable("it is not packed with gzip, or its end is missing") from error
    end = text.find(b"\n")
    if end < 0:
        raise PackUnreadable("it has no first line")
    return _parse_head(text[:end]), text[end:]


def _parse_head(line: bytes) -> PackHead:
    try:
        return PackHead.model_validate_json(line)
    except ValidationError as error:
        raise PackUnreadable(f"its first line is not one: {error.errors()[0]['msg']}") from error


def _row_steps(head: PackHead, lines: bytes) -> Steps[dict[str, Columns]]:
    rows: dict[str, Columns] = {}
    for number, line in enumerate(_split(lines)):
        name, columns = _parse_row(head, line)
        rows[name] = columns
        if number % STEP_LINES == 0:
            yield
    return rows


def _split(lines: bytes) -> Iterator[bytes]:
    return (line for line in lines.split(b"\n") if line)


def _parse_row(head: PackHead, line: bytes) -> tuple[str, Columns]:
    try:
        name, *given = orjson.loads(line)
        columns = _COLUMNS.validate_python(tuple(map(tuple, given)))
    except (ValueError, TypeError) as error:
        raise PackUnreadable("a line is not one of a model") from error
    if not columns:
        return name, head.zeros
    if len(columns) != len(COLUMNS) or any(len(column) != len(head.hours) for column in columns):
        raise PackUnreadable("a line has not the columns of a model")
    return name, columns


def _joined_head(heads: Sequence[PackHead]) -> PackHead:
    return PackHead(
        category=heads[0].category,
        hours=_chained(head.hours for head in heads),
        samples=_chained(head.samples for head in heads),
        models=_chained(head.models for head in heads),
        unattributed_names=_chained(head.unattributed_names for head in heads),
        all=_side_by_side([head.all for head in heads]),
        unattributed=_side_by_side([head.unattributed for head in heads]),
    )


def _side_by_side(parts: Sequence[Columns]) -> Columns:
    return tuple(_chained(part[n] for part in parts) for n in range(len(COLUMNS)))


def _chained(parts: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(value for part in parts for value in part)

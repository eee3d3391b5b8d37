"""CSV tables whose rows keep their own text, so that a change rewrites nothing but the cells it touches.

Understands RFC 4180 and, like Python's own reader, quotes inside unquoted cells and mixed line ends.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from horde_model_reference.documents import SourceUnreadable

CELL: Final = re.compile(r'(?:"((?:[^"]++|"")*+)"([^,\r\n]*+)|(?!")([^,\r\n]*+))(,|\r\n|\n|\r|\Z)')
NEEDS_QUOTES: Final = re.compile(r'[,"\r\n]')
BYTE_ORDER_MARK: Final = "\ufeff"
DEFAULT_LINE_END: Final = "\r\n"


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: the meaning of its cells, and their texts as they stand in the file.

    `line_number` is where the row begins in the file; 0 for a row that is not from a file.
    """

    values: tuple[str, ...]
    texts: tuple[str, ...]
    line_end: str
    line_number: int = 0

    @property
    def is_blank(self) -> bool:
        """A line without any text."""
        return self.texts == ("",)

    def render(self) -> str:
        """Return the row as it stands in the file, with its line end."""
        return ",".join(self.texts) + self.line_end


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A header and rows. Rows may be shorter or longer than the header.

    `columns` are the names in the header, without outer white space.
    """

    header: CsvRow
    columns: tuple[str, ...]
    rows: tuple[CsvRow, ...]

    @property
    def line_end(self) -> str:
        """The line end of the file: that of its header."""
        return self.header.line_end or DEFAULT_LINE_END

    def cells(self, row: CsvRow) -> dict[str, str]:
        """Return the cells of a row by column; where the row is too short they are empty."""
        missing = len(self.columns) - len(row.values)
        values = row.values + ("",) * missing if missing > 0 else row.values
        return dict(zip(self.columns, values, strict=False))

    def cell(self, row: CsvRow, column: str) -> str:
        """Return one cell of a row, empty where the row is too short or there is no such column."""
        index = self.columns.index(column) if column in self.columns else len(row.values)
        return row.values[index] if index < len(row.values) else ""

    def new_row(self, cells: Mapping[str, str]) -> CsvRow:
        """Make a row with this table's columns and line end; columns that are not given are empty."""
        values = tuple(cells.get(column, "") for column in self.columns)
        return CsvRow(values, tuple(map(render_cell, values)), self.line_end)

    def changed_row(self, row: CsvRow, cells: Mapping[str, str]) -> CsvRow:
        """Write new values into some cells of a row; the texts of the others stay."""
        values, texts = list(row.values), list(row.texts)
        for index, column in enumerate(self.columns):
            if column in cells:
                missing = index + 1 - len(values)
                values.extend([""] * missing)
                texts.extend([""] * missing)
                values[index] = cells[column]
                texts[index] = render_cell(cells[column])
        return replace(row, values=tuple(values), texts=tuple(texts))

    def render(self) -> bytes:
        """Return the file as UTF-8; every row but the last is sure to end its line."""
        texts = [row.render() for row in (self.header, *self.rows)]
        for index, row in enumerate((self.header, *self.rows)[:-1]):
            if not row.line_end:
                texts[index] += self.line_end
        return "".join(texts).encode()


def parse_csv(source: bytes, label: str) -> CsvTable:
    """Read a CSV file; `label` is what errors call it.

    Raises `SourceUnreadable` for bytes that are not UTF-8, a quote that is never closed, or an empty file.
    """
    try:
        text = source.decode()
    except UnicodeDecodeError as error:
        raise SourceUnreadable(f"{label} is not UTF-8: byte {error.start}: {error.reason}") from error
    rows = tuple(_scan(text, label))
    if not rows:
        raise SourceUnreadable(f"{label} is empty: there is no header")
    columns = tuple(name.removeprefix(BYTE_ORDER_MARK).strip() for name in rows[0].values)
    return CsvTable(rows[0], columns, rows[1:])


def empty_table(columns: Sequence[str], line_end: str = DEFAULT_LINE_END) -> CsvTable:
    """Make a table that has a header only."""
    header = CsvRow(tuple(columns), tuple(map(render_cell, columns)), line_end)
    return CsvTable(header, header.values, ())


def render_cell(value: str) -> str:
    """Quote a value where that is needed."""
    return '"' + value.replace('"', '""') + '"' if NEEDS_QUOTES.search(value) else value


def _scan(text: str, label: str) -> Iterator[CsvRow]:
    place, line_number = 0, 1
    while place < len(text):
        values: list[str] = []
        texts: list[str] = []
        start, separator = place, ","
        while separator == ",":
            cell = CELL.match(text, place)
            if cell is None:
                raise SourceUnreadable(f"{label}: line {line_number}: a quote is opened and never closed")
            quoted, tail, plain, separator = cell.groups()
            values.append(plain if quoted is None else quoted.replace('""', '"') + tail)
            texts.append(text[place : cell.start(4)])
            place = cell.end()
        yield CsvRow(tuple(values), tuple(texts), separator, line_number)
        line_number += text.count("\n", start, place) or 1

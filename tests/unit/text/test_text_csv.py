"""CSV tables keep the text of what is not changed."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.text_csv import empty_table, parse_csv, render_cell

csv_texts = st.lists(
    st.sampled_from(['"', '""', ",", "\r\n", "\n", "\r", "a", "é🦙", " ", "x,y"]), max_size=25
).map("".join)
cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(csv_texts.filter(bool))
def test_a_table_renders_to_the_very_bytes_it_was_read_from(text: str) -> None:
    try:
        table = parse_csv(text.encode(), "x.csv")
    except SourceUnreadable:
        return
    assert table.render() == text.encode()


@given(csv_texts.filter(bool))
def test_values_are_those_of_the_standard_reader(text: str) -> None:
    try:
        table = parse_csv(text.encode(), "x.csv")
    except SourceUnreadable:
        return
    expected = [tuple(row) or ("",) for row in csv.reader(io.StringIO(text, newline=""))]
    assert [row.values for row in (table.header, *table.rows)] == expected


@given(st.lists(st.lists(cells, min_size=2, max_size=2), max_size=6))
def test_new_rows_are_read_back(rows: list[list[str]]) -> None:
    table = empty_table(["a", "b"])
    new = [table.new_row({"a": a, "b": b}) for a, b in rows]
    text = b"".join(row.render().encode() for row in (table.header, *new))
    assert [list(row.values) for row in parse_csv(text, "x.csv").rows] == rows


@pytest.mark.parametrize(
    ("value", "text"),
    [("a b", "a b"), ("a,b", '"a,b"'), ('a"b', '"a""b"'), ("a\nb", '"a\nb"'), ("a\rb", '"a\rb"'), ("", "")],
)
def test_cells_are_quoted_only_when_needed(value: str, text: str) -> None:
    assert render_cell(value) == text


def test_a_changed_row_keeps_the_text_of_its_other_cells() -> None:
    table = parse_csv(b'a,b,c\n"needless",old,"x ""y"""\n', "x.csv")
    row = table.changed_row(table.rows[0], {"b": "n,w"})
    assert row.render() == '"needless","n,w","x ""y"""\n'
    assert row.values == ("needless", "n,w", 'x "y"')


def test_a_short_row_is_filled_up_to_the_changed_cell() -> None:
    table = parse_csv(b"a,b,c\r\n1\r\n", "x.csv")
    assert table.cells(table.rows[0]) == {"a": "1", "b": "", "c": ""}
    assert table.cell(table.rows[0], "c") == table.cell(table.rows[0], "unknown") == ""
    assert table.changed_row(table.rows[0], {"b": "2"}).render() == "1,2\r\n"


def test_surplus_cells_are_kept_and_not_read() -> None:
    table = parse_csv(b"a\n1,2\n", "x.csv")
    assert table.cells(table.rows[0]) == {"a": "1"}
    assert table.render() == b"a\n1,2\n"


def test_rows_know_where_they_begin() -> None:
    table = parse_csv(b'a,b\r\n"x\r\ny",1\r\nz,2', "x.csv")
    assert [row.line_number for row in table.rows] == [2, 4]
    assert [row.line_end for row in table.rows] == ["\r\n", ""]


def test_a_byte_order_mark_is_no_part_of_a_column() -> None:
    source = "\ufeffname , b\n".encode()
    table = parse_csv(source, "x.csv")
    assert table.columns == ("name", "b")
    assert table.render() == source


def test_a_blank_line_is_a_row_without_text() -> None:
    assert [row.is_blank for row in parse_csv(b'a\n\n""\n', "x.csv").rows] == [True, False]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"", "x.csv is empty"),
        (b"a\n\xff", "x.csv is not UTF-8: byte 2"),
        (b'a\nb\n"open\nc\n', "x.csv: line 3: a quote is opened and never closed"),
        (b'a\n"b""\n', "x.csv: line 2: a quote"),
    ],
)
def test_what_is_no_csv_is_unreadable(source: bytes, reason: str) -> None:
    with pytest.raises(SourceUnreadable, match=reason):
        parse_csv(source, "x.csv")

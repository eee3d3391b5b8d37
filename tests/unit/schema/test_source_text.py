import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.legacy.format import CANONICAL, Layout, format_record, layout_of, render_legacy
from horde_model_reference.legacy.source_text import LegacyText
from horde_model_reference.strict_json import parse_json_object, read_json_object
from support.model_records import FileStyle, a_small_legacy_record, canonical_file

STYLES = st.builds(
    FileStyle,
    newline=st.sampled_from(["\n", "\r\n"]),
    indent=st.sampled_from(["\t", "  ", "    ", " "]),
    colon=st.sampled_from([": ", ":", " : "]),
    first_name_indented=st.booleans(),
    other_indent=st.sampled_from([None, "    ", "\t", ""]),
    final_newline=st.booleans(),
)


def text_of(body: bytes) -> LegacyText:
    return LegacyText(read_json_object(body))


@given(STYLES)
def test_a_record_is_written_in_the_style_its_text_has(style: FileStyle) -> None:
    record = a_small_legacy_record(requirements={"a": [1, 2.0], "b": {}, "c": []})
    body = style.render({"a": record, "b": record})
    for member in read_json_object(body).members.values():
        text = body.decode()[member.value_start : member.value_end]
        layout = layout_of(text)
        assert layout is not None
        assert format_record(record, layout) == text


@given(STYLES, st.integers(0, 2))
def test_replacing_a_record_by_itself_changes_no_byte(style: FileStyle, count: int) -> None:
    records = {f"model {index}": a_small_legacy_record(f"model {index}") for index in range(count + 1)}
    body = style.render(records)
    text = text_of(body)
    for name, record in records.items():
        text.replace(name, record)
    assert text.render() == body


@given(STYLES)
def test_a_file_grown_record_by_record_looks_as_if_written_at_once(style: FileStyle) -> None:
    records = {name: a_small_legacy_record(name) for name in ("first", "second", "third", "fourth")}
    text = text_of(style.render({name: records[name] for name in ("first", "second")}))
    text.put("third", records["third"])
    text.put("fourth", records["fourth"])
    assert text.render() == style.render(records)


@pytest.mark.parametrize("removed", ["first", "second", "third"])
@given(style=STYLES)
def test_a_removed_record_leaves_the_others_as_they_were(removed: str, style: FileStyle) -> None:
    records = {name: a_small_legacy_record(name) for name in ("first", "second", "third")}
    text = text_of(style.render(records))
    text.remove(removed)
    left = text.render().decode()
    del records[removed]
    assert list(parse_json_object(left.encode())) == list(records)
    for record in records.values():
        assert format_record(record, Layout(style.newline, style.indent, style.indent, style.colon)) in left


@pytest.mark.parametrize("empty", [b"{}", b"{}\n", b"{ }", b"{\r\n  \r\n}\r\n", b"\n{\n}\n"])
def test_a_first_record_in_an_empty_file_is_written_canonically(empty: bytes) -> None:
    text = text_of(empty)
    text.put("Model", a_small_legacy_record())
    expected = canonical_file({"Model": a_small_legacy_record()})
    assert text.render().replace(b"\r\n", b"\n").lstrip(b"\n") == expected


def test_a_file_of_which_everything_was_removed_can_grow_again() -> None:
    records = {"a": a_small_legacy_record("a"), "b": a_small_legacy_record("b")}
    text = text_of(canonical_file(records))
    text.remove("a")
    text.remove("b")
    assert text.render() == b"{}\n"
    for name, record in records.items():
        text.put(name, record)
    assert text.render() == canonical_file(records)


def test_a_canonical_file_stays_canonical() -> None:
    records = {name: a_small_legacy_record(name) for name in ("a", "b", "c")}
    edited = records["b"] | {"description": "\N{GRINNING FACE} \N{LATIN SMALL LETTER E WITH ACUTE}\n"}
    text = text_of(canonical_file(records))
    text.remove("a")
    text.replace("b", edited)
    text.put("d", records["c"])
    assert text.render() == canonical_file({"b": edited, "c": records["c"], "d": records["c"]})


def test_records_on_one_line_stay_on_one_line() -> None:
    text = text_of(b'{"a": {"x":1,"y":2}, "b": {"x": [1, 2]}}')
    text.replace("a", {"x": 1, "y": 3})
    text.put("c", {"x": [5, 6]})
    assert text.render() == b'{"a": {"x":1,"y":3}, "b": {"x": [1, 2]}, "c": {"x": [5, 6]}}'
    text.remove("a")
    assert text.render() == b'{"b": {"x": [1, 2]}, "c": {"x": [5, 6]}}'


def test_a_comma_at_the_begin_of_lines_stays_there() -> None:
    text = text_of(b'{\n  "a": {}\n, "b": {}\n}\n')
    text.put("c", {})
    assert text.render() == b'{\n  "a": {}\n, "b": {}\n, "c": {}\n}\n'
    text.remove("a")
    assert text.render() == b'{\n "b": {}\n, "c": {}\n}\n'


def test_a_record_over_an_unusable_one_takes_its_place() -> None:
    text = text_of(b'{\n\t"a": {\n\t\t"x": 1\n\t},\n\t"b": 5,\n\t"c": {}\n}')
    text.put("b", {"x": 2})
    assert text.render() == b'{\n\t"a": {\n\t\t"x": 1\n\t},\n\t"b": {\n\t\t"x": 2\n\t},\n\t"c": {}\n}'


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_and_text_can_be_put(name: str) -> None:
    text = text_of(b"{}\n")
    text.put(name, {"description": name})
    assert text.render() == canonical_file({name: {"description": name}})
    assert text.render().isascii()


@pytest.mark.parametrize("text", ["{}", "{ }", "5", "[1]", "null"])
def test_a_text_without_members_shows_no_style(text: str) -> None:
    assert layout_of(text) is None


def test_tabs_mixed_with_blanks_are_told_apart() -> None:
    assert layout_of('{\n\t\t"a": 1\n    }') == Layout("\n", "    ", "\t", ": ")
    assert layout_of('{\n  "a": 1\n  }') == Layout("\n", "  ", "    ", ": ")


def test_the_canonical_form_is_that_of_the_standard_writer() -> None:
    record = a_small_legacy_record(trigger=[], requirements={})
    assert render_legacy({"a": record}) == canonical_file({"a": record})
    assert json.loads(format_record(record, CANONICAL)) == record

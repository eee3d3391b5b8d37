import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.strict_json import (
    MAX_DEPTH,
    MAX_INTEGER,
    MIN_INTEGER,
    Flaw,
    on_one_line,
    parse_json_object,
    read_json_object,
    same_json,
)

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(MIN_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(NAMES, JSON_VALUES, max_size=5), st.sampled_from([None, 1, 4, "\t"]), st.booleans())
def test_any_json_object_is_read_as_the_standard_reader_does(
    value: dict[str, object], indent: int | str | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert same_json(parse_json_object(text.encode()), value)


@given(st.dictionaries(NAMES, JSON_VALUES, max_size=5))
def test_the_spans_of_members_hold_their_own_text(value: dict[str, object]) -> None:
    source = read_json_object(json.dumps(value, indent=2).encode())
    for name, member in source.members.items():
        assert json.loads(source.text[member.key_start : member.key_end]) == name
        assert same_json(json.loads(source.text[member.value_start : member.value_end]), value[name])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "line 1 column 1: expected an object"),
        (b"[]", "line 1 column 1: expected an object"),
        (b'{"a": 1', "line 1 column 8: expected ',' or '}'"),
        (b'{"a": 1,}', "line 1 column 9: expected a name in double quotes"),
        (b'{"a" 1}', "line 1 column 6: expected ':'"),
        (b'{"a":\n tru}', "line 2 column 2: Expecting value"),
        (b'{"a": 1} x', "line 1 column 10: more text after the end of the object"),
        (b'{"a": {"b": "NaN",\n  "c": NaN}}', "line 2 column 8: NaN is not JSON"),
        (b'{"a": -Infinity}', "line 1 column 7: -Infinity is not JSON"),
        (b'{"a": 1,\n"a": 2}', "line 2 column 1: the name 'a' occurs twice"),
        (b'{"a": "x\ny"}', "line 1 column 9: Invalid control character at"),
        (b"\xef\xbb\xbf{}", "line 1 column 1: begins with a byte order mark, which JSON does not allow"),
    ],
)
def test_an_unreadable_text_is_refused_with_its_place(body: bytes, message: str) -> None:
    with pytest.raises(SourceUnreadable) as caught:
        read_json_object(body, "clip.json")
    assert str(caught.value) == f"clip.json: {message}"


def test_bytes_that_are_not_utf8_are_refused_with_their_place() -> None:
    with pytest.raises(SourceUnreadable, match=r"^clip\.json is not UTF-8: byte 6: "):
        read_json_object(b'{"a": \xff}', "clip.json")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5_000, 200_000])
def test_nesting_beyond_the_limit_is_refused(opening: str, depth: int) -> None:
    closing = "]" if opening == "[" else "}"
    inner = "" if opening == "[" else "1"
    with pytest.raises(SourceUnreadable, match="nested more than 100 levels deep"):
        read_json_object(f'{{"a": {opening * depth}{inner}{closing * depth}}}'.encode())


def test_nesting_up_to_the_limit_and_any_width_is_read() -> None:
    text = f'{{"deep": {"[" * MAX_DEPTH}{"]" * MAX_DEPTH}, "wide": [{"[]," * 5_000}[]]}}'
    assert len(parse_json_object(text.encode())["wide"]) == 5_001


def test_brackets_inside_of_strings_do_not_count_as_nesting() -> None:
    name = r"[\"[" * 500
    assert parse_json_object(f'{{"a": ["{name}"]}}'.encode())["a"] == ['["[' * 500]


@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        ('{"x": {"y": 1, "y": 2}}', Flaw("x.y", "the key occurs twice in one object")),
        (r'{"x": ["\ud83d\ude00", "\ude00"]}', Flaw("x.1", "holds a lone surrogate")),
        (r'{"\ud800": 1}', Flaw("\\ud800", "the key holds a lone surrogate")),
        ('{"x": 1e999}', Flaw("x", "the number is out of range")),
        (f'{{"x": [{"9" * 5000}]}}', Flaw("x.0", "the number is out of range")),
    ],
)
def test_a_flaw_is_found_with_its_path_and_spares_the_neighbours(value: str, flaw: Flaw) -> None:
    members = read_json_object(f'{{"good": {{"x": 1}}, "bad": {value}, "last": {{}}}}'.encode()).members
    assert members["bad"].flaw == flaw
    assert members["bad"].value is None
    assert (members["good"].value, members["good"].flaw) == ({"x": 1}, None)
    assert (members["last"].value, members["last"].flaw) == ({}, None)


def test_a_name_with_a_lone_surrogate_is_a_flaw() -> None:
    members = read_json_object(rb'{"\udcff": {}}').members
    assert members["\udcff"].flaw == Flaw("", "the name holds a lone surrogate")


def test_where_no_flaw_is_allowed_it_is_an_error_that_can_be_printed() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        parse_json_object(rb'{"\udcff": {}}', "db.json")
    assert str(caught.value).encode() == rb"db.json: '\udcff': the name holds a lone surrogate"


def test_escaped_pairs_and_odd_backslashes_are_no_flaws() -> None:
    body = rb'{"a": ["\ud83d\ude00", "\\ud800", "\u00e9"]}'
    assert parse_json_object(body)["a"] == [
        "\N{GRINNING FACE}",
        "\\ud800",
        "\N{LATIN SMALL LETTER E WITH ACUTE}",
    ]


@pytest.mark.parametrize("number", [MIN_INTEGER, MAX_INTEGER])
def test_integers_of_64_bits_are_exact(number: int) -> None:
    assert parse_json_object(f'{{"a": {number}}}'.encode())["a"] == number


@pytest.mark.parametrize("text", [str(MAX_INTEGER + 1), str(MIN_INTEGER - 1), str(2**64), "9" * 5000])
def test_an_integer_beyond_64_bits_spoils_its_record_only(text: str) -> None:
    members = read_json_object(f'{{"a": {{"b": [{text}]}}, "c": 1}}'.encode()).members
    assert members["a"].flaw == Flaw("b.0", "the number is out of range")
    assert members["c"].value == 1


def test_control_characters_are_escaped_to_keep_a_message_on_one_line() -> None:
    assert on_one_line("a\nb\r\u2028\x00\ud800 \N{LATIN SMALL LETTER E WITH ACUTE}") == (
        "a\\nb\\r\\u2028\\x00\\ud800 \N{LATIN SMALL LETTER E WITH ACUTE}"
    )


def test_numbers_keep_their_kind() -> None:
    value = parse_json_object(b'{"a": [3, 3.0, -0.0, 1e2]}')["a"]
    assert [type(item) for item in value] == [int, float, float, float]
    assert math.copysign(1, value[2]) == -1


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), (0, False), ({"a": 1, "b": 2}, {"b": 2, "a": 1})]
)
def test_values_of_another_text_are_not_the_same(one: object, other: object) -> None:
    assert one == other
    assert not same_json(one, other)

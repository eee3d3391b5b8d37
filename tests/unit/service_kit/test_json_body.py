"""What a JSON body may look like, and what is refused at which place."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.errors import RequestInvalid
from service_kit.json_body import LARGEST_INTEGER, MAX_DEPTH, MAX_VALUES, SMALLEST_INTEGER, parse_json

MEGABYTE = 1024 * 1024

texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(SMALLEST_INTEGER, LARGEST_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)


def refusal(raw: bytes) -> dict[str, Any]:
    with pytest.raises(RequestInvalid) as caught:
        parse_json(raw)
    (problem,) = caught.value.details
    assert isinstance(problem, dict)
    return problem


@given(values.filter(lambda value: value is not None))
def test_any_sane_value_is_returned_as_it_was_sent(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_one_problem_of_the_body(raw: bytes) -> None:
    value: object = None
    problems: list[dict[str, Any]] = []
    try:
        value = parse_json(raw)
    except RequestInvalid as refused:
        problems = refused.details
    assert [problem["loc"][0] for problem in problems] == ([] if value is not None else ["body"])
    assert value is None or value == json.loads(raw)


@pytest.mark.parametrize("raw", [b"", b"null", b" null "])
def test_nothing_is_a_missing_body(raw: bytes) -> None:
    problem = refusal(raw)
    assert (problem["type"], problem["loc"]) == ("missing", ["body"])


@pytest.mark.parametrize(
    ("raw", "offset"),
    [
        (b"{", 1),
        (b"{not json", 1),
        (b'{"a": 1,}', 7),
        (b'{"a": 1} x', 9),
        (b"[1, 2", 5),
        (b"'a'", 0),
    ],
)
def test_broken_json_is_told_with_its_offset(raw: bytes, offset: int) -> None:
    problem = refusal(raw)
    assert (problem["type"], problem["loc"]) == ("json_invalid", ["body", offset])
    assert problem["ctx"]["error"]


@pytest.mark.parametrize(
    "raw",
    [
        b'"\\ud800"',
        b'{"\\udc00": 1}',
        b"\xff",
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        '"a"'.encode("utf-16"),
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[-1e999]",
        b"[01]",
        b"[1.]",
        b'"\x00"',
        b"{1: 2}",
        b"\x00" * 100,
    ],
)
def test_what_no_json_is_though_some_parsers_take_it_is_refused(raw: bytes) -> None:
    assert refusal(raw)["type"] == "json_invalid"


@pytest.mark.parametrize("raw", [b'{"a":1,"a":2}', b'[{"b":{"a":1,"c":2,"a":1}}]', b'{"a":1,"\\u0061":2}'])
def test_key_that_stands_twice_is_refused_by_name(raw: bytes) -> None:
    problem = refusal(raw)
    assert problem["type"] == "json_invalid"
    assert "'a' stands twice" in problem["msg"]


def test_long_key_is_shortened_in_the_message() -> None:
    key = b"k" * 10_000
    assert len(refusal(b'{"%s":1,"%s":2}' % (key, key))["msg"]) < 200


def test_same_key_in_different_objects_is_fine() -> None:
    assert parse_json(b'[{"a":1},{"a":{"a":2}}]') == [{"a": 1}, {"a": {"a": 2}}]


@pytest.mark.parametrize("number", [SMALLEST_INTEGER, LARGEST_INTEGER, 0, -1])
def test_integer_of_64_bits_is_kept_exactly(number: int) -> None:
    assert parse_json(b'{"n":%d}' % number) == {"n": number}


@pytest.mark.parametrize("number", [SMALLEST_INTEGER - 1, LARGEST_INTEGER + 1, 2**64, 10**30, -(10**300)])
def test_larger_integer_is_refused_instead_of_becoming_a_float(number: int) -> None:
    problem = refusal(b'{"a":[%d]}' % number)
    assert problem["type"] == "int_parsing_size"
    assert len(problem["msg"]) < 100


def test_float_of_any_size_is_a_float() -> None:
    assert parse_json(b"[1e30, 1.5, -0.0]") == [1e30, 1.5, 0.0]
    assert math.copysign(1, parse_json(b"[-0.0]")[0]) == -1


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_allowed_up_to_the_limit(opening: bytes, closing: bytes) -> None:
    parse_json(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH)
    problem = refusal(opening * (MAX_DEPTH + 1) + b"1" + closing * (MAX_DEPTH + 1))
    assert (problem["type"], problem["loc"]) == ("too_deep", ["body"])


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 1000 + b"]" * 1000,
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b"[" * MEGABYTE,
        b'{"a":' * (MEGABYTE // 5),
        b'["\\"[",' * 100_000,
    ],
)
@pytest.mark.timeout(5)
def test_enormous_nesting_is_refused_quickly_as_such(raw: bytes) -> None:
    assert refusal(raw)["type"] == "too_deep"


def test_brackets_inside_of_texts_are_no_nesting() -> None:
    assert refusal(b'{"a": "' + b"[{" * 100 + b'",}')["type"] == "json_invalid"


@pytest.mark.parametrize(
    "raw",
    [
        b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}",
        b"[" + b"1," * 500_000 + b"1]",
        b"[" + b",".join([b"[[[1]]]"] * 20_000) + b"]",
    ],
)
@pytest.mark.timeout(5)
def test_body_of_too_many_values_is_refused(raw: bytes) -> None:
    assert refusal(raw)["type"] == "too_long"


def test_as_many_values_as_allowed_are_read() -> None:
    assert len(parse_json(b"[" + b"1," * (MAX_VALUES - 1) + b"1]")) == MAX_VALUES


@pytest.mark.parametrize("raw", [b'"' + b'\\"' * 500_000, b'"a' * 500_000, b"[]" * 500_000, b"1" * MEGABYTE])
@pytest.mark.timeout(5)
def test_bomb_that_is_no_json_is_refused_quickly(raw: bytes) -> None:
    assert refusal(raw)["type"] == "json_invalid"

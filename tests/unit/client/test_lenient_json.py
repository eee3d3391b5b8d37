"""JSON as others write it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.lenient_json import UnusableJson, object_or_none, read_json, read_object

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)


@given(json_values, st.sampled_from([str, str.encode]))
def test_every_value_is_read_as_the_standard_library_reads_it(value: object, form: type[str]) -> None:
    text = json.dumps(value)
    assert read_json(form(text)) == json.loads(text)


def test_what_is_odd_but_common_is_taken() -> None:
    value = read_json(b'{"a": NaN, "b": -Infinity, "c": 1, "c": 2, "d": 123456789012345678901234567890}')
    assert math.isnan(value["a"])
    assert value["b"] == -math.inf
    assert value["c"] == 2
    assert value["d"] == 123456789012345678901234567890


def test_a_lone_surrogate_spoils_its_own_text_only() -> None:
    assert read_object(b'{"a": "\\ud800", "b": 1}') == {"a": "\ud800", "b": 1}


@pytest.mark.parametrize(
    "body", [b"", b"<html>maintenance</html>", b'{"a": {', b"\xff", b"[" * 100_000, b'{"a":1}x']
)
def test_what_is_not_json_cannot_be_used(body: bytes) -> None:
    with pytest.raises(UnusableJson, match="not JSON"):
        read_json(body)
    assert object_or_none(body) is None


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1", b"true"])
def test_another_value_is_no_object(body: bytes) -> None:
    with pytest.raises(UnusableJson, match="not a JSON object"):
        read_object(body)
    assert object_or_none(body) is None


def test_an_object_is_had_either_way() -> None:
    assert read_object('{"a": 1}') == object_or_none(b'{"a": 1}') == {"a": 1}

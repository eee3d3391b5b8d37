"""Documents of records, as servers send them and as files hold them."""

import json
import logging
import math
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.replica.json_documents import (
    INLINE_BYTES,
    NotADocument,
    read_beside_loop,
    read_json,
    read_object,
    read_records,
    records_of,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_every_value_is_read_as_the_standard_library_reads_it(value: object) -> None:
    body = json.dumps(value).encode()
    assert read_json(body) == json.loads(body)


def test_what_is_odd_but_common_is_taken() -> None:
    value = read_json(b'{"a": NaN, "b": -Infinity, "c": 1, "c": 2, "d": 123456789012345678901234567890}')
    assert math.isnan(value["a"])
    assert value["b"] == -math.inf
    assert value["c"] == 2
    assert value["d"] == 123456789012345678901234567890


def test_a_lone_surrogate_spoils_its_own_text_only() -> None:
    assert read_records(b'{"a": {"x": "\\ud800"}, "b": {"y": 1}}')["b"] == {"y": 1}


@pytest.mark.parametrize(
    "body", [b"", b"<html>maintenance</html>", b'{"a": {', b"\xff", b"[" * 100_000, b'{"a":1}x']
)
def test_what_is_not_json_is_no_document(body: bytes) -> None:
    with pytest.raises(NotADocument, match="not JSON"):
        read_json(body)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1", b"true"])
def test_another_value_is_no_object(body: bytes) -> None:
    with pytest.raises(NotADocument, match="object"):
        read_object(body)
    with pytest.raises(NotADocument, match="object"):
        read_records(body)


@pytest.mark.parametrize("body", [b'{"detail": "Not found"}', b'{"detail": [{"loc": []}]}', b'{"a": null}'])
def test_an_object_of_other_things_holds_no_records(body: bytes) -> None:
    with pytest.raises(NotADocument, match="without records"):
        read_records(body)


def test_a_value_that_was_read_already_is_judged_the_same() -> None:
    assert records_of({"a": {}}) == {"a": {}}
    with pytest.raises(NotADocument, match="object"):
        records_of([])


def test_an_empty_object_is_a_document() -> None:
    assert read_records(b"{}") == {}


def test_an_entry_that_is_no_record_is_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert read_records(b'{"a": {}, "b": 1, "c": {"x": 2}}') == {"a": {}, "c": {"x": 2}}
    assert "['b']" in caplog.text


@pytest.mark.parametrize(("size", "beside"), [(INLINE_BYTES, False), (INLINE_BYTES + 1, True)])
async def test_only_a_large_body_is_read_beside_the_loop(size: int, *, beside: bool) -> None:
    def read(_: bytes) -> Any:
        return threading.current_thread() is not threading.main_thread()

    assert await read_beside_loop(read, bytes(size)) is beside

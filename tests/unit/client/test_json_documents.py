"""Documents of records, as servers send them and as files hold them."""

import logging
import threading
from typing import Any

import pytest

from horde_model_reference.lenient_json import UnusableJson
from horde_model_reference.replica.json_documents import (
    INLINE_BYTES,
    read_beside_loop,
    read_records,
    records_of,
)


def test_a_lone_surrogate_spoils_its_own_text_only() -> None:
    assert read_records(b'{"a": {"x": "\\ud800"}, "b": {"y": 1}}')["b"] == {"y": 1}


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[]", b'"text"', b"1", b"true"])
def test_what_is_no_object_is_no_document(body: bytes) -> None:
    with pytest.raises(UnusableJson, match="JSON"):
        read_records(body)


@pytest.mark.parametrize("body", [b'{"detail": "Not found"}', b'{"detail": [{"loc": []}]}', b'{"a": null}'])
def test_an_object_of_other_things_holds_no_records(body: bytes) -> None:
    with pytest.raises(UnusableJson, match="without records"):
        read_records(body)


def test_a_value_that_was_read_already_is_judged_the_same() -> None:
    assert records_of({"a": {}}) == {"a": {}}
    with pytest.raises(UnusableJson, match="object"):
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

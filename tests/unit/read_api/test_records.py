import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from read_api.domain.records import DocumentUnreadable, iterate_records

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
).filter(lambda value: "\ud800" not in json.dumps(value))
documents = st.dictionaries(st.text(), st.dictionaries(st.text(), values, max_size=5), max_size=6)


def encoded(document: object, **options: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, **options).encode(errors="replace")


@given(documents)
def test_every_record_comes_in_order_with_its_own_bytes(document: dict[str, Any]) -> None:
    body = encoded(document, separators=(",", ":"))
    expected = json.loads(body)

    records = list(iterate_records(body))

    assert [(record.key, record.values) for record in records] == list(expected.items())
    joined = ",".join(f"{json.dumps(r.key, ensure_ascii=False)}:{r.body.decode()}" for r in records)
    assert "{" + joined + "}" == body.decode()


@given(documents, st.sampled_from([None, 2, "\t"]))
def test_blanks_between_the_tokens_do_not_matter(document: dict[str, Any], indent: int | str | None) -> None:
    body = encoded(document, indent=indent)
    expected = json.loads(body)

    assert {
        record.key: json.loads(record.body) for record in iterate_records(b" \n" + body + b"\r\n")
    } == expected


def test_numbers_beyond_64_bits_keep_their_digits() -> None:
    (record,) = iterate_records(b'{"a":{"parameters":123456789012345678901234567890}}')

    assert record.body == b'{"parameters":123456789012345678901234567890}'
    assert record.values["parameters"] == 123456789012345678901234567890


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a":1}',
        b'{"a":{}',
        b'{"a":{},}',
        b'{"a":{}}{}',
        b'{"a":{}"b":{}}',
        b"{1:{}}",
        b'{"a":{}} x',
        b'{"a":{"b":}}',
        b'\xff{"a":{}}',
    ],
)
def test_anything_but_an_object_of_objects_is_unreadable(body: bytes) -> None:
    with pytest.raises(DocumentUnreadable):
        list(iterate_records(body))

import gc
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.catalogue_diff import DocumentDiff, diff_documents
from horde_model_reference.documents import Record, SourceUnreadable
from horde_model_reference.strict_json import same_json
from horde_model_reference.v2_format import render_v2
from support.json_values import json_records

documents = st.dictionaries(st.sampled_from(["a", "b", "c", 'with " quote', "é/x"]), json_records)


@given(documents, documents)
def test_diff_says_exactly_what_differs(before: dict[str, Record], after: dict[str, Record]) -> None:
    diff = diff_documents(render_v2(before), render_v2(after))
    assert diff.removed == tuple(name for name in before if name not in after)
    assert [*diff.added] == [name for name in after if name not in before]
    assert [*diff.changed] == [n for n in after if n in before and not same_json(before[n], after[n])]
    assert all(same_json(record, after[name]) for name, record in {**diff.added, **diff.changed}.items())


def test_same_documents_have_no_difference() -> None:
    assert diff_documents(b'{"a":{}}', b'{"a":{}}') == DocumentDiff()
    assert diff_documents(None, None) == DocumentDiff()
    assert not diff_documents(b'{"a":{}}', b'{"a":{}}')


def test_document_that_is_missing_is_empty() -> None:
    assert diff_documents(None, b'{"a":{"x":1}}') == DocumentDiff(added={"a": {"x": 1}})
    assert diff_documents(b'{"a":{"x":1},"b":{}}', None) == DocumentDiff(removed=("a", "b"))


def test_record_whose_text_begins_like_the_old_one_is_changed() -> None:
    assert diff_documents(b'{"a":{"x":1}}', b'{"a":{"x":12}}').changed == {"a": {"x": 12}}


def test_value_that_is_no_object_is_compared_whole() -> None:
    assert str(diff_documents(b'{"a":1}', b'{"a":12}').changed) == "{'a': 12}"


def test_other_writing_of_the_same_record_is_no_difference() -> None:
    assert not diff_documents(b'{"a":{"x":"\\u00e9"}}', ' { "a" : {"x": "é"} } '.encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"a"}',
        b'{"a":{}',
        b'{"a":{},}',
        b'{"a":{}} x',
        b"{1:{}}",
        b"\xff",
        b'{"a":nul}',
        b'{"a":{} "b":{}}',
    ],
)
def test_document_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(SourceUnreadable, match="v2 document"):
        diff_documents(b"{}", body)
    with pytest.raises(SourceUnreadable, match="v2 document"):
        diff_documents(body, b"{}")


def a_document(models: int, **changed: Record) -> bytes:
    names = [f"model{number}" for number in range(models)]
    return render_v2(
        {name: {"name": name, "tags": ["a"] * 20, "text": "x" * 200} for name in names} | changed
    )


def test_comparing_is_linear_in_the_number_of_models() -> None:
    def cpu_seconds(models: int) -> float:
        before, after = a_document(models), a_document(models, model7={"name": "model7"})
        gc.collect()
        start = time.process_time()
        assert diff_documents(before, after).changed == {"model7": {"name": "model7"}}
        return time.process_time() - start

    cpu_seconds(10)
    assert cpu_seconds(20_000) < 40 * cpu_seconds(2_000)  # linear: 10, quadratic: 100

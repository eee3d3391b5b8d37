"""Files of the text repository become documents."""

import json

import pytest

from horde_model_reference.category_import_types import ImportedCategory
from horde_model_reference.documents import Rejection, SourceUnreadable, Update
from horde_model_reference.text_documents import import_text
from horde_model_reference.text_rows import COLUMNS
from horde_model_reference.v2_format import validate_record
from support.text_models import (
    Row,
    a_row,
    edited,
    models_csv,
    text_documents,
    v1_entries,
    v2_records,
)


def imported(*rows: Row) -> ImportedCategory:
    return import_text({"models.csv": models_csv(*rows)}, now=5, previous=None)


def test_a_row_becomes_a_complete_v2_record() -> None:
    row = a_row(
        "acme/Foo-7B",
        "7.5",
        display_name="Foo",
        url=" https://x ",
        baseline="b",
        description='say "hi",\nfriend',
        style="chat",
        tags=" a, ,b ,a",
        instruct_format=" Gemma 4",
        settings='{"top_k": 40, "top_p": 1.0}',
    )
    record = v2_records(imported(row).documents)["acme/Foo-7B"]
    assert record == {
        "record_type": "text_generation",
        "name": "acme/Foo-7B",
        "description": 'say "hi",\nfriend',
        "version": "",
        "metadata": {"schema_version": "2.0.0", "created_at": 5, "updated_at": 5},
        "config": {"download": []},
        "model_classification": {"domain": "text", "purpose": "generation"},
        "baseline": "b",
        "parameters": 7_500_000_000,
        "nsfw": False,
        "style": "chat",
        "display_name": "Foo",
        "url": " https://x ",
        "tags": ["a", "b", "a"],
        "instruct_format": " Gemma 4",
        "settings": {"top_k": 40, "top_p": 1.0},
        "text_model_group": "Foo",
    }
    assert json.dumps(validate_record("text_generation", "acme/Foo-7B", record)) == json.dumps(record)


def test_an_empty_row_has_empty_texts_but_no_format_and_settings() -> None:
    record = v2_records(imported(a_row()).documents)["acme/Foo-7B"]
    assert record["display_name"] == record["url"] == record["style"] == record["version"] == ""
    assert record["tags"] == []
    assert not {"instruct_format", "settings", "size_on_disk_bytes"} & record.keys()


def test_empty_settings_stay_an_empty_object() -> None:
    assert v2_records(imported(a_row(settings=" {} ")).documents)["acme/Foo-7B"]["settings"] == {}


def test_columns_for_version_and_nsfw_are_understood() -> None:
    source = models_csv(
        a_row("a", version="3", nsfw="TRUE"), a_row("b", nsfw="yes"), columns=(*COLUMNS, "version", "nsfw")
    )
    records = v2_records(import_text({"models.csv": source}, now=1, previous=None).documents)
    assert [(record["version"], record["nsfw"]) for record in records.values()] == [("3", True), ("", False)]


def test_names_are_stripped_and_of_equal_ones_the_last_row_wins_at_the_first_place() -> None:
    found = imported(a_row("a/Foo", url="1"), a_row("b"), a_row("  a/Foo ", url="2"))
    records = v2_records(found.documents)
    assert [(name, record["url"]) for name, record in records.items()] == [("a/Foo", "2"), ("b", "")]
    assert [(remark.name, remark.code) for remark in found.remarks] == [("a/Foo", "duplicate_row")]


@pytest.mark.parametrize(
    ("row", "name", "path"),
    [
        (a_row("  "), "", "name"),
        (a_row("bad", "seven"), "bad", "parameters_bn"),
        (a_row("bad", "nan"), "bad", "parameters_bn"),
        (a_row("bad", settings="{not json"), "bad", "settings"),
        (a_row("bad", settings='{"a": {"b": 1}}'), "bad", "settings.a"),
        (a_row("aphrodite/acme/Foo"), "aphrodite/acme/Foo", "name"),
        (a_row("koboldcpp/Foo"), "koboldcpp/Foo", "name"),
    ],
)
def test_a_bad_row_is_left_out_and_reported_and_its_neighbours_stay(row: Row, name: str, path: str) -> None:
    found = imported(a_row("first"), row, a_row("last"))
    assert list(v2_records(found.documents)) == ["first", "last"]
    assert [(rejection.name, rejection.path) for rejection in found.rejected] == [(name, path)]
    assert found.rejected[0].reason.startswith("line 3: ")
    assert found.documents.csv == models_csv(a_row("first"), row, a_row("last"))


def test_missing_parameters_are_zero_and_remarked_on() -> None:
    found = imported(a_row("a", ""))
    assert v2_records(found.documents)["a"]["parameters"] == 0
    assert v1_entries(found.documents)["a"]["parameters"] is None
    assert [remark.code for remark in found.remarks] == ["missing_parameters"]


def test_a_name_that_is_a_url_stays_in_v2_alone() -> None:
    found = imported(a_row("https://x/y"), a_row("b"))
    assert list(v2_records(found.documents)) == ["https://x/y", "b"]
    assert list(v1_entries(found.documents)) == ["b", "aphrodite/b", "koboldcpp/b"]
    assert [remark.code for remark in found.remarks] == ["name_is_url"]


def test_blank_lines_are_passed_over() -> None:
    source = models_csv(a_row("a")) + b"\r\n" + b"b,7,,,,,,,,\r\n"
    found = import_text({"models.csv": source}, now=1, previous=None)
    assert list(v2_records(found.documents)) == ["a", "b"]
    assert found.rejected == ()


@pytest.mark.parametrize(
    "source", [b"", b"name,url\r\nx,y\r\n", b"a;b\r\n", b'name,parameters_bn\r\n"open', b"\xff"]
)
def test_what_is_no_models_csv_is_unreadable(source: bytes) -> None:
    with pytest.raises(SourceUnreadable, match=r"models\.csv"):
        import_text({"models.csv": source}, now=1, previous=None)


def test_without_files_nothing_can_be_read() -> None:
    with pytest.raises(SourceUnreadable, match=r"neither models\.csv nor db\.json"):
        import_text({}, now=1, previous=None)


def test_a_header_alone_is_an_empty_category() -> None:
    documents = text_documents()
    assert (documents.v2, documents.legacy) == (b"{}", b"{}\n")


def test_db_json_alone_gives_the_records_back_and_a_models_csv() -> None:
    rows = [a_row("acme/Foo-7B", "7", style="chat", tags="b,a", settings='{"top_k": 1}'), a_row("bar", "0.5")]
    of_csv = text_documents(*rows)
    found = import_text({"db.json": of_csv.legacy or b""}, now=1, previous=None)
    assert found.documents.legacy == of_csv.legacy
    assert found.documents.csv == models_csv({**rows[0], "tags": "a,b"}, rows[1])
    assert (found.rejected, found.remarks) == ((), ())
    assert (
        import_text({"models.csv": found.documents.csv or b""}, now=1, previous=None).documents.legacy
        == of_csv.legacy
    )


def test_of_both_files_the_csv_counts() -> None:
    csv, other = models_csv(a_row("a")), text_documents(a_row("b")).legacy or b""
    found = import_text({"models.csv": csv, "db.json": other}, now=1, previous=None)
    assert list(v2_records(found.documents)) == ["a"]
    assert found.documents.legacy == text_documents(a_row("a")).legacy
    assert [remark.code for remark in found.remarks] == ["db_json_differs"]


def test_a_db_json_that_says_the_same_keeps_its_form() -> None:
    documents = text_documents(a_row("a"))
    db_json = (documents.legacy or b"").replace(b"\n", b"\r\n")
    found = import_text({"models.csv": documents.csv or b"", "db.json": db_json}, now=1, previous=None)
    assert found.documents.legacy == db_json
    assert found.remarks == ()


def test_a_db_json_with_more_than_an_expansion_is_kept_and_remarked_on() -> None:
    entries = v1_entries(text_documents(a_row("a")))
    entries["a"]["extra"] = 1
    found = import_text({"db.json": json.dumps(entries).encode()}, now=1, previous=None)
    assert found.documents.legacy == json.dumps(entries).encode()
    assert [remark.code for remark in found.remarks] == ["db_json_differs"]


def test_bad_entries_of_db_json_are_left_out_and_reported() -> None:
    flawed = b'"list": [], "twice": {"url": "", "url": ""}, "typed": {"nsfw": 1}, " ": {}'
    body = b'{"good": {}, "aphrodite/x": 1, ' + flawed + b"}"
    found = import_text({"db.json": body}, now=1, previous=None)
    assert list(v2_records(found.documents)) == ["good"]
    assert [(rejection.name, rejection.path) for rejection in found.rejected] == [
        ("list", ""),
        ("twice", "url"),
        ("typed", "nsfw"),
        (" ", "name"),
    ]


def test_a_broken_db_json_is_unreadable_even_beside_a_good_csv() -> None:
    with pytest.raises(SourceUnreadable, match=r"db\.json"):
        import_text({"models.csv": models_csv(a_row()), "db.json": b'{"a": '}, now=1, previous=None)


def test_the_same_source_gives_back_the_previous_documents() -> None:
    first = import_text({"models.csv": models_csv(a_row(), a_row("bad", "x"))}, now=1, previous=None)
    again = import_text({"models.csv": first.documents.csv or b""}, now=9, previous=first.documents)
    assert again.documents is first.documents
    assert again.rejected == first.rejected != ()
    from_json = import_text({"db.json": first.documents.legacy or b""}, now=9, previous=first.documents)
    assert from_json.documents is first.documents


def test_records_that_the_source_left_alone_stay_as_they_are() -> None:
    previous = edited(text_documents(a_row("a"), a_row("b")), Update("a", {"nsfw": True}))
    found = import_text(
        {"models.csv": models_csv(a_row("a"), a_row("b", url="u"), a_row("c"))}, now=9, previous=previous
    )
    old, new = v2_records(previous), v2_records(found.documents)
    assert new["a"] == old["a"]
    assert new["b"]["metadata"] == {"schema_version": "2.0.0", "created_at": 1, "updated_at": 9}
    assert new["c"]["metadata"] == {"schema_version": "2.0.0", "created_at": 9, "updated_at": 9}


def test_an_equal_record_from_another_file_keeps_its_metadata() -> None:
    previous = text_documents(a_row("a", tags="x"))
    without_csv = import_text({"db.json": previous.legacy or b""}, now=3, previous=None).documents
    found = import_text({"models.csv": models_csv(a_row("a", "7.0", tags="x"))}, now=9, previous=without_csv)
    assert v2_records(found.documents)["a"]["metadata"]["updated_at"] == 3


def test_a_record_that_the_source_now_agrees_with_keeps_its_metadata() -> None:
    before = text_documents(a_row("a", tags="x,y"))
    previous = edited(before, Update("a", {"tags": ["y", "x"]}))
    found = import_text({"models.csv": models_csv(a_row("a", tags="y,x"))}, now=9, previous=previous)
    assert v2_records(found.documents) == v2_records(previous)


def test_rejections_are_plain_values() -> None:
    found = imported(a_row("bad", "x"))
    assert found.rejected == (Rejection("bad", "parameters_bn", "line 2: not a number of parameters: 'x'"),)

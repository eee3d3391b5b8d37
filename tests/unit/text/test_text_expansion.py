"""Each text model has three entries in v1, made by the rules of data-model.md section 7."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.documents import Record
from horde_model_reference.text_entries import record_of_entry
from horde_model_reference.text_expansion import (
    expand_records,
    expanded_fields,
    expanded_tags,
    render_db_json,
    render_entries,
)
from horde_model_reference.text_rows import TextRecordInvalid
from support.text_models import a_text_record, canonical_json

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
integers = st.integers(-(2**63), 2**63 - 1)
values = st.one_of(integers, st.floats(allow_nan=False, allow_infinity=False), texts, st.booleans())
settings = st.dictionaries(texts, st.one_of(values, st.lists(integers, max_size=3)), max_size=3)
plain_names = st.sampled_from(["a", "b", "a/A-7B", "b/A-7B", "b/B", "c/x/y", "d/é_-F"])


@st.composite
def text_records(draw: st.DrawFn) -> dict[str, Record]:
    """Records as an import gives them."""
    records: dict[str, Record] = {}
    for name in draw(st.lists(plain_names, max_size=4, unique=True)):
        records[name] = {
            "name": name,
            "parameters": draw(st.integers(0, 10**12)),
            "tags": draw(st.lists(st.sampled_from(["7B", "chat", "x", "é"]), max_size=3)),
            "style": draw(st.sampled_from(["", "chat", "generalist"])),
            "nsfw": draw(st.booleans()),
            "settings": draw(settings),
            **{field: draw(texts) for field in ("baseline", "description", "version", "display_name", "url")},
            "instruct_format": draw(texts),
        }
    return records


def test_a_model_has_three_entries_that_differ_in_their_name() -> None:
    entries = expand_records({"acme/Foo-7B": a_text_record("acme/Foo-7B")})
    assert list(entries) == ["acme/Foo-7B", "aphrodite/acme/Foo-7B", "koboldcpp/Foo-7B"]
    assert [entry.pop("name") for entry in entries.values()] == list(entries)
    assert entries["acme/Foo-7B"] == entries["koboldcpp/Foo-7B"] == entries["aphrodite/acme/Foo-7B"]


def test_a_bare_record_has_the_defaults_in_their_order() -> None:
    assert list(expanded_fields("acme/Foo_Bar-7B", a_text_record("acme/Foo_Bar-7B")).items()) == [
        ("model_name", "Foo_Bar-7B"),
        ("baseline", ""),
        ("parameters", 7_000_000_000),
        ("description", ""),
        ("version", "1"),
        ("style", "generalist"),
        ("nsfw", False),
        ("display_name", "Foo Bar 7B"),
        ("tags", ["7B"]),
    ]


def test_values_replace_defaults_in_place_and_optional_ones_follow() -> None:
    record = a_text_record(
        settings={"top_k": 1},
        instruct_format="ChatML",
        tags=["b", "a"],
        url="u",
        display_name="d",
        nsfw=True,
        style="chat",
        version="2",
        description="t",
        baseline="base",
    )
    fields = expanded_fields("acme/Foo-7B", record)
    assert list(fields) == [
        *("model_name", "baseline", "parameters", "description", "version", "style", "nsfw"),
        *("display_name", "url", "tags", "instruct_format", "settings"),
    ]
    assert (fields["version"], fields["style"], fields["nsfw"]) == ("2", "chat", True)
    assert fields["tags"] == ["7B", "a", "b", "chat"]


def test_empty_values_leave_the_defaults() -> None:
    record = a_text_record(parameters=0, version="", style="", description="", settings={}, tags=[], url="")
    fields = expanded_fields("acme/Foo-7B", record)
    assert fields["parameters"] is None
    assert (fields["version"], fields["style"]) == ("1", "generalist")
    assert fields["tags"] == ["0B"]
    assert not {"settings", "url", "instruct_format"} & fields.keys()


def test_only_an_explicit_style_is_a_tag() -> None:
    assert expanded_tags(a_text_record(style="generalist"), []) == ["7B", "generalist"]
    assert expanded_tags(a_text_record(style=""), []) == ["7B"]


def test_tags_are_sorted_by_code_point_without_repetition() -> None:
    assert expanded_tags(a_text_record(style="b"), ["b", "a", "B", "7B", "a"]) == ["7B", "B", "a", "b"]


def test_models_of_one_name_share_an_entry_at_the_place_of_the_first() -> None:
    records = {name: a_text_record(name, url=name) for name in ("a/Foo", "b/Foo")}
    entries = expand_records(records)
    assert list(entries) == ["a/Foo", "aphrodite/a/Foo", "koboldcpp/Foo", "b/Foo", "aphrodite/b/Foo"]
    assert entries["koboldcpp/Foo"]["url"] == "b/Foo"


def test_a_name_with_a_url_has_no_entries() -> None:
    records = {"https://x/y": a_text_record("https://x/y"), "Foo": a_text_record("Foo")}
    assert list(expand_records(records)) == ["Foo", "aphrodite/Foo", "koboldcpp/Foo"]


def test_a_second_slash_ends_the_model_name() -> None:
    assert list(expand_records({"a/b/c": a_text_record("a/b/c")}))[2] == "koboldcpp/b"


@given(text_records())
def test_db_json_is_canonical_json(records: dict[str, Record]) -> None:
    entries = expand_records(records)
    assert render_db_json(records) == render_entries(entries) == canonical_json(entries)


def test_nothing_expands_to_an_empty_object() -> None:
    assert render_db_json({}) == b"{}\n"


def test_values_that_are_no_json_are_not_rendered() -> None:
    with pytest.raises(TypeError, match="not a JSON value"):
        render_entries({"Foo": {"x": object()}})


@given(text_records())
def test_expanding_expanded_tags_changes_nothing(records: dict[str, Record]) -> None:
    for record in records.values():
        once = expanded_tags(record, record["tags"])
        assert expanded_tags(record, once) == once


@given(text_records())
def test_records_made_of_entries_expand_to_the_same_entries(records: dict[str, Record]) -> None:
    entries = expand_records(records)
    recovered = {name: record_of_entry(name, entries[name]) for name in records}
    assert render_db_json(recovered) == render_db_json(records)


def test_what_the_expansion_added_is_taken_out_again() -> None:
    record = a_text_record(style="chat", tags=["a"], url="u")
    entry = json.loads(render_db_json({"acme/Foo-7B": record}))["acme/Foo-7B"]
    assert record_of_entry("acme/Foo-7B", entry) == {
        "name": "acme/Foo-7B",
        "description": "",
        "version": "",
        "baseline": "",
        "parameters": 7_000_000_000,
        "nsfw": False,
        "style": "chat",
        "display_name": "",
        "url": "u",
        "tags": ["a"],
        "text_model_group": "Foo",
    }


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("description", 1, "description"),
        ("instruct_format", ["x"], "instruct_format"),
        ("parameters", "7", "parameters"),
        ("parameters", 7.5, "parameters"),
        ("parameters", True, "parameters"),
        ("parameters", 2**63, "parameters"),
        ("nsfw", 1, "nsfw"),
        ("tags", "x", "tags"),
        ("tags", [1], "tags"),
        ("settings", {"top_k": None}, "settings.top_k"),
    ],
)
def test_an_entry_of_wrong_types_is_refused_with_its_path(field: str, value: Any, path: str) -> None:
    with pytest.raises(TextRecordInvalid) as refused:
        record_of_entry("Foo", {"name": "Foo", field: value})
    assert refused.value.path == path


def test_null_and_absence_are_the_same_in_an_entry() -> None:
    fields = ("parameters", "nsfw", "tags", "settings", "url", "description")
    assert record_of_entry("Foo", dict.fromkeys(fields)) == record_of_entry("Foo", {})

"""Changes of text records show in all three documents, and touch nothing else there."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from horde_model_reference.documents import (
    CategoryDocuments,
    Change,
    ChangeRefused,
    Create,
    Delete,
    Update,
)
from horde_model_reference.text_documents import import_text
from horde_model_reference.text_rows import COLUMNS
from support.text_models import (
    a_row,
    a_text_record,
    canonical_json,
    csv_lines,
    differing_lines,
    edited,
    models_csv,
    text_documents,
    v1_entries,
    v2_records,
)

MESSY = (
    b"name,parameters_bn,display_name,url,baseline,description,style,tags,instruct_format,settings\r\n"
    b'"acme/Foo-7B",7.0,Foo 7B,,,"needless",chat,"b , a",,"{""top_p"":1.0}"\r\n'
    b"dup/Bar-1B,1,,,,first,,,,\r\n"
    b"bad,seven,,,,,,,,\r\n"
    b"dup/Bar-1B,1,,,,second,,,,\r\n"
    b"  padded , 3 ,,,,,,,,\r\n"
    b"last-2B,2,,,,,,,,"
)
MESSY_NAMES = ("acme/Foo-7B", "dup/Bar-1B", "padded", "last-2B")


def messy_documents() -> CategoryDocuments:
    return import_text({"models.csv": MESSY}, now=1, previous=None).documents


def expansion_of(documents: CategoryDocuments) -> bytes | None:
    """What the CSV of the documents expands to."""
    return import_text({"models.csv": documents.csv or b""}, now=1, previous=None).documents.legacy


def test_no_changes_give_back_the_very_documents() -> None:
    documents = messy_documents()
    assert edited(documents) is documents


def test_one_changed_field_is_one_line_of_csv_and_three_entries() -> None:
    before = messy_documents()
    after = edited(before, Update("acme/Foo-7B", {"description": "x, y"}))
    [(old, new)] = differing_lines(csv_lines(before), csv_lines(after))
    assert new == old.replace('"needless"', '"x, y"')
    changed = {key for key, entry in v1_entries(after).items() if v1_entries(before)[key] != entry}
    assert changed == {"acme/Foo-7B", "aphrodite/acme/Foo-7B", "koboldcpp/Foo-7B"}
    assert v2_records(after)["acme/Foo-7B"]["description"] == "x, y"
    assert after.legacy == canonical_json(v1_entries(after)) == expansion_of(after)


@pytest.mark.parametrize(
    ("fields", "cell_before", "cell_after"),
    [
        ({"parameters": 0.5e9}, ",7.0,", ",0.5,"),
        ({"parameters": 8_100_000_000}, ",7.0,", ",8.1,"),
        ({"url": "https://x"}, "Foo 7B,,", "Foo 7B,https://x,"),
        ({"display_name": "New"}, ",Foo 7B,", ",New,"),
        ({"style": "story"}, ",chat,", ",story,"),
        ({"tags": ["z", "7B", "chat"]}, '"b , a"', "z"),
        ({"instruct_format": " ChatML"}, ',,"{', ', ChatML,"{'),
        ({"settings": {"top_p": 1}}, '"{""top_p"":1.0}"', '"{""top_p"": 1}"'),
        ({"settings": None}, '"{""top_p"":1.0}"', ""),
        ({"baseline": "b\n"}, 'Foo 7B,,,"needless"', 'Foo 7B,,"b\n","needless"'),
    ],
)
def test_only_the_changed_cell_is_written_anew(
    fields: dict[str, Any], cell_before: str, cell_after: str
) -> None:
    before = messy_documents()
    after = edited(before, Update("acme/Foo-7B", fields))
    assert (after.csv or b"").decode() == MESSY.decode().replace(cell_before, cell_after, 1)
    assert after.legacy == expansion_of(after)


@pytest.mark.parametrize(
    "fields",
    [
        {"tags": ["a", "b"]},
        {"tags": ["a", "7B", "b", "chat"]},
        {"display_name": ""},
        {"display_name": "Foo 7B"},
        {"parameters": "7000000000"},
        {"nsfw": True},
        {"version": "2"},
        {"name_schema_exception": "old"},
    ],
)
def test_a_change_that_the_csv_cannot_tell_leaves_its_text(fields: dict[str, Any]) -> None:
    assert edited(messy_documents(), Update("acme/Foo-7B", fields)).csv == MESSY


def test_what_has_no_column_shows_in_v1() -> None:
    after = edited(messy_documents(), Update("acme/Foo-7B", {"nsfw": True, "version": "2"}))
    entry = v1_entries(after)["koboldcpp/Foo-7B"]
    assert (entry["nsfw"], entry["version"]) == (True, "2")


def test_optional_columns_are_written_where_they_exist() -> None:
    columns = (*COLUMNS, "version", "nsfw")
    source = models_csv(a_row("a", nsfw="True"), a_row("b", nsfw="no"), columns=columns)
    before = import_text({"models.csv": source}, now=1, previous=None).documents
    after = edited(before, Update("a", {"version": "2"}), Update("b", {"nsfw": True}))
    assert after.csv == models_csv(
        a_row("a", version="2", nsfw="True"), a_row("b", nsfw="true"), columns=columns
    )


def test_of_duplicate_rows_the_one_that_counts_is_changed() -> None:
    after = edited(messy_documents(), Update("dup/Bar-1B", {"description": "third"}))
    assert (after.csv or b"").decode() == MESSY.decode().replace("second", "third")


def test_a_later_row_that_cannot_be_read_does_not_count() -> None:
    before = text_documents(a_row("a"), a_row("a", "seven"))
    assert edited(before, Update("a", {"url": "u"})).csv == models_csv(
        a_row("a", url="u"), a_row("a", "seven")
    )


def test_a_deleted_model_loses_all_its_rows_and_entries() -> None:
    after = edited(messy_documents(), Delete("dup/Bar-1B"))
    assert csv_lines(after) == [
        line for line in MESSY.decode().splitlines(keepends=True) if "dup/" not in line
    ]
    assert not [key for key in v1_entries(after) if "Bar" in key]
    assert list(v2_records(after)) == ["acme/Foo-7B", "padded", "last-2B"]


def test_a_new_model_is_appended_with_the_line_end_of_the_file() -> None:
    record = a_text_record("new/Baz-3B", parameters=3_500_000_000, tags=["x", "4B"], style="chat", url="u")
    after = edited(messy_documents(), Create("new/Baz-3B", record))
    assert (after.csv or b"") == MESSY + b"\r\nnew/Baz-3B,3.5,,u,,,chat,x,,\r\n"
    assert list(v1_entries(after))[-3:] == ["new/Baz-3B", "aphrodite/new/Baz-3B", "koboldcpp/Baz-3B"]
    assert v1_entries(after)["new/Baz-3B"]["tags"] == ["4B", "chat", "x"]
    assert after.legacy == expansion_of(after)


def test_a_file_with_line_feeds_keeps_them() -> None:
    source = models_csv(a_row("a"), line_end="\n")
    before = import_text({"models.csv": source}, now=1, previous=None).documents
    after = edited(before, Create("b", a_text_record("b")))
    assert after.csv == models_csv(a_row("a"), a_row("b"), line_end="\n")


def test_a_new_record_stores_what_was_given_and_gets_a_group() -> None:
    given = a_text_record("acme/New-7B", tags=["b", "a"], style="", parameters="7e9")
    record = v2_records(edited(text_documents(), Create("acme/New-7B", given), author="ann"))["acme/New-7B"]
    assert record["tags"] == ["b", "a"]
    assert record["parameters"] == 7_000_000_000
    assert record["text_model_group"] == "New"
    assert "display_name" not in record
    assert record["metadata"] == {
        "schema_version": "2.0.0",
        "created_at": 2,
        "updated_at": 2,
        "created_by": "ann",
    }


def test_times_of_a_new_record_stay_when_given() -> None:
    given = a_text_record("a", metadata={"created_at": 77, "created_by": "old"})
    record = v2_records(edited(text_documents(), Create("a", given)))["a"]
    assert record["metadata"] == {
        "schema_version": "2.0.0",
        "created_at": 77,
        "updated_at": 2,
        "created_by": "old",
    }


def test_an_update_keeps_the_creation_and_notes_its_own_time_and_author() -> None:
    given = {"url": "u", "metadata": {"created_at": 99, "updated_at": 99}}
    record = v2_records(edited(text_documents(a_row("a")), Update("a", given), author="ben"))["a"]
    assert record["metadata"] == {
        "schema_version": "2.0.0",
        "created_at": 1,
        "updated_at": 2,
        "updated_by": "ben",
    }


def test_unset_fields_are_removed_and_the_group_is_computed_again() -> None:
    before = text_documents(a_row("acme/Foo-7B", url="u", instruct_format="x"))
    own = edited(before, Update("acme/Foo-7B", {"text_model_group": "Mine"}))
    after = edited(own, Update("acme/Foo-7B", {}, ("url", "instruct_format", "text_model_group")))
    record = v2_records(after)["acme/Foo-7B"]
    assert not {"url", "instruct_format"} & record.keys()
    assert v2_records(own)["acme/Foo-7B"]["text_model_group"] == "Mine"
    assert record["text_model_group"] == "Foo"
    assert after.csv == models_csv(a_row("acme/Foo-7B"))


def test_the_name_follows_the_key() -> None:
    after = edited(text_documents(a_row("a")), Update("a", {"name": "b"}))
    assert v2_records(after)["a"]["name"] == "a"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Create("a", a_text_record("a")), "'a' exists already"),
        (Update("nobody", {}), "'nobody' does not exist"),
        (Delete("nobody"), "'nobody' does not exist"),
        (Create("b", {"name": "b"}), "'b', parameters"),
        (Create("b/c/d", a_text_record("b/c/d")), "more than one slash"),
        (Update("a", {"parameters": 0}), "'a', parameters"),
        (Update("a", {}, ("parameters",)), "'a', parameters"),
        (Update("a", {}, ("parameters_count",)), "'a', parameters"),
        (Update("a", {"settings": {"zeal": 1}}), "'a', settings: unknown settings zeal"),
        (Update("a", {"baseline": 7}), "'a', baseline"),
        (Update("a", {"description": "\ud800"}), "'a', description"),
        (Update("a", {"metadata": "x"}), "'a', metadata"),
    ],
)
def test_a_change_that_cannot_be_is_refused(change: Change, reason: str) -> None:
    with pytest.raises(ChangeRefused, match=reason):
        edited(text_documents(a_row("a")), Update("a", {"url": "u"}), change)


def test_changes_are_made_in_order() -> None:
    before = text_documents(a_row("a", url="old"), a_row("b"))
    after = edited(before, Delete("a"), Create("a", a_text_record("a")), Update("a", {"baseline": "new"}))
    assert list(v2_records(after)) == ["b", "a"]
    assert next(iter(v1_entries(after))) == "b"
    assert after.csv == models_csv(a_row("b"), a_row("a", baseline="new"))


def test_a_model_made_and_deleted_again_leaves_no_trace() -> None:
    before = messy_documents()
    assert edited(before, Create("x", a_text_record("x")), Delete("x")) == before


def test_a_new_model_takes_the_place_of_a_row_that_could_not_be_read() -> None:
    after = edited(messy_documents(), Create("bad", a_text_record("bad")))
    assert b"bad,seven" not in (after.csv or b"")
    assert csv_lines(after)[-1] == "bad,7,,,,,,,,\r\n"


def test_an_imported_record_without_parameters_can_be_edited() -> None:
    after = edited(text_documents(a_row("a", "")), Update("a", {"url": "u"}))
    assert after.csv == models_csv(a_row("a", "", url="u"))


def test_the_first_model_of_an_empty_category_makes_the_files() -> None:
    after = edited(CategoryDocuments(v2=b"{}"), Create("a", a_text_record("a")))
    assert after.csv == models_csv(a_row("a"))
    assert after.legacy == expansion_of(after)


def test_two_publishers_of_one_name_share_an_entry_through_changes() -> None:
    before = text_documents(a_row("a/Foo", url="1"), a_row("b/Foo", url="2"))
    changed = edited(before, Update("b/Foo", {"url": "3"}))
    assert v1_entries(changed)["koboldcpp/Foo"]["url"] == "3"
    assert v1_entries(edited(changed, Delete("b/Foo")))["koboldcpp/Foo"]["url"] == "1"


def foreign_documents() -> CategoryDocuments:
    """Documents whose db.json holds more than the expansion of its models."""
    entries = v1_entries(text_documents(a_row("acme/Foo", url="u"), a_row("bar")))
    entries["acme/Foo"] = {"extra": 1, **entries["acme/Foo"]}
    entries["koboldcpp/alone"] = {"name": "koboldcpp/alone"}
    body = json.dumps(entries, indent=2).encode()
    return import_text({"db.json": body}, now=1, previous=None).documents


def test_a_foreign_db_json_keeps_what_the_change_does_not_touch() -> None:
    before = v1_entries(foreign_documents())
    after = edited(
        foreign_documents(), Update("acme/Foo", {"description": "d", "instruct_format": "x"}, ("url",))
    )
    entries = v1_entries(after)
    assert list(entries) == list(before)
    assert entries["acme/Foo"]["extra"] == 1
    assert "url" not in entries["acme/Foo"]
    assert (entries["koboldcpp/Foo"]["description"], entries["acme/Foo"]["instruct_format"]) == ("d", "x")
    assert entries["bar"] == before["bar"]
    assert entries["koboldcpp/alone"] == before["koboldcpp/alone"]
    assert after.legacy == canonical_json(entries)


def test_models_come_and_go_in_a_foreign_db_json() -> None:
    after = edited(foreign_documents(), Delete("acme/Foo"), Create("new", a_text_record("new")))
    assert list(v1_entries(after)) == [
        *("bar", "aphrodite/bar", "koboldcpp/bar", "koboldcpp/alone"),
        *("new", "aphrodite/new", "koboldcpp/new"),
    ]


def test_an_unchanged_entry_of_a_foreign_db_json_keeps_the_order_of_its_members() -> None:
    before = v1_entries(foreign_documents())["acme/Foo"]
    after = v1_entries(edited(foreign_documents(), Update("acme/Foo", {"description": "d"})))["acme/Foo"]
    assert list(after) == list(before)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
fields_to_set = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("baseline", "description", "display_name", "url", "instruct_format"), texts),
        "style": st.sampled_from(["", "chat", "generalist", "story"]),
        "tags": st.lists(st.sampled_from(["a", "b", "7B", "chat", "é"]), max_size=3),
        "parameters": st.integers(1, 10**13),
        "settings": st.dictionaries(
            st.sampled_from(["top_k", "top_p"]), st.sampled_from([1, 1.0, True, "x"])
        ),
    },
)
updates = st.builds(Update, st.sampled_from(MESSY_NAMES), fields_to_set)
creations = st.builds(
    lambda name, fields: Create(name, a_text_record(name, **fields)),
    st.sampled_from(["new/A-1B", "B", "bad"]),
    fields_to_set,
)
changes = st.lists(
    st.one_of(updates, creations, st.builds(Delete, st.sampled_from(MESSY_NAMES))),
    unique_by=lambda change: change.name,
    max_size=4,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(changes)
def test_untouched_rows_keep_their_bytes_and_all_three_documents_agree(made: list[Change]) -> None:
    before = messy_documents()
    after = edited(before, *made)
    touched = {change.name for change in made}
    untouched = [
        row for row in MESSY.split(b"\r\n")[1:] if row.split(b",")[0].strip(b'" ').decode() not in touched
    ]
    for row in untouched:
        assert row in (after.csv or b"")
    assert after.legacy == expansion_of(after)
    for name, record in v2_records(before).items():
        if name not in touched:
            assert v2_records(after)[name] == record


@given(st.sampled_from(MESSY_NAMES))
def test_an_empty_change_leaves_the_csv_alone(name: str) -> None:
    assert edited(messy_documents(), Update(name, {})).csv == MESSY


@settings(deadline=None)
@given(updates)
def test_the_same_change_twice_changes_the_csv_once(update: Update) -> None:
    once = edited(messy_documents(), update)
    assert edited(once, update) == once


def test_changes_of_the_same_documents_do_not_see_each_other() -> None:
    documents = text_documents(a_row(settings='{"top_p": 0.9}', tags="chat"), a_row("acme/Bar-1B", "1"))
    before = copy.deepcopy(v2_records(documents))
    update = Update("acme/Foo-7B", {"description": "d", "tags": ["a"], "settings": {"top_k": 1}})
    first = edited(documents, update, author="1")

    for change in (Create("acme/New-3B", {"parameters": 3_000_000_000}), Delete("acme/Foo-7B"), update):
        edited(documents, change, Update("acme/Bar-1B", {"nsfw": True}), author="2")

    assert edited(documents, update, author="1") == first
    assert edited(documents, Update("acme/Bar-1B", {"nsfw": True})).v2 != first.v2
    assert v2_records(documents) == before
    untouched = v2_records(edited(documents, Update("acme/Bar-1B", {"nsfw": True}), author="2"))
    assert untouched["acme/Foo-7B"] == before["acme/Foo-7B"]

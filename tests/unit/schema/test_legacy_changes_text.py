from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.documents import CategoryDocuments, ChangeRefused, Create, Delete, Record, Update
from horde_model_reference.legacy_changes import LegacyChange, LegacyPut, apply_legacy_changes
from horde_model_reference.proposals.v1 import normalised_v1
from horde_model_reference.strict_json import same_json
from support.text_models import a_row, csv_lines, edited, text_documents, v1_entries, v2_records

NAME = "acme/Foo-7B"
HIDDEN = ("text_model_group", "name_schema_exception")
WORDS = st.sampled_from(["", "generalist", "7B", "8B", "x", "y"])
FIELDS = st.fixed_dictionaries(
    {"parameters": st.sampled_from([7_000_000_000, 8_000_000_000, 8_200_000_000])},
    optional={
        "style": WORDS,
        "tags": st.lists(WORDS, max_size=3),
        "version": st.sampled_from(["", "1", "2"]),
        "description": WORDS,
        "display_name": st.sampled_from(["", "Foo 7B", "other"]),
        "nsfw": st.booleans(),
        "settings": st.sampled_from([{}, {"top_k": 1}, {"top_k": 1.0}]),
        "instruct_format": WORDS,
        "name_schema_exception": WORDS,
    },
)


def changed(documents: CategoryDocuments, *changes: LegacyChange) -> CategoryDocuments:
    return apply_legacy_changes("text_generation", documents, changes, now=3, author="7")


def put(name: str = NAME, **fields: Any) -> LegacyPut:
    body = {"name": name, "parameters": 7_000_000_000, **fields}
    return LegacyPut(name, normalised_v1("text_generation", body))


def shown(documents: CategoryDocuments, name: str = NAME) -> Record:
    return v1_entries(documents)[name]


def test_no_change_gives_the_very_same_documents() -> None:
    documents = text_documents(a_row())
    assert changed(documents) is documents


def test_a_new_model_gets_its_three_entries_its_row_and_its_record() -> None:
    after = changed(text_documents(a_row("other/Bar-3B", "3")), put(style="storytelling", tags=["x"]))
    entries = v1_entries(after)
    assert list(entries)[3:] == [NAME, f"aphrodite/{NAME}", "koboldcpp/Foo-7B"]
    assert entries[NAME]["tags"] == ["7B", "storytelling", "x"]
    record = v2_records(after)[NAME]
    assert (record["style"], record["tags"], record["text_model_group"]) == ("storytelling", ["x"], "Foo")
    assert record["metadata"] == {
        "schema_version": "2.0.0",
        "created_at": 3,
        "updated_at": 3,
        "created_by": "7",
    }
    assert csv_lines(after)[-1] == "acme/Foo-7B,7,,,,,storytelling,x,,\r\n"


def test_what_has_no_column_is_stored_all_the_same() -> None:
    own: Record = {"nsfw": True, "version": "2", "text_model_group": "Chosen", "name_schema_exception": "old"}
    after = changed(text_documents(), put(**own))
    assert v2_records(after)[NAME].items() >= own.items()
    assert shown(after).items() >= {"nsfw": True, "version": "2"}.items()
    assert not set(HIDDEN) & shown(after).keys()


def test_an_edit_keeps_group_exception_and_creation() -> None:
    own = {"text_model_group": "Chosen", "name_schema_exception": "old"}
    documents = edited(text_documents(a_row()), Update(NAME, own), author="1")
    after = changed(documents, put(description="new"))
    record = v2_records(after)[NAME]
    assert record.items() >= {**own, "description": "new"}.items()
    assert record["metadata"]["created_at"] == 1
    assert record["metadata"]["updated_by"] == "7"


def test_fields_that_v1_shows_as_before_stay_as_they_are_stored() -> None:
    documents = text_documents(a_row(display_name="Foo 7B", tags="7B, chat", style="generalist"))
    before = v2_records(documents)[NAME]
    entry = {**shown(documents), "url": "https://x"}
    after = changed(documents, LegacyPut(NAME, normalised_v1("text_generation", entry)))
    assert {**v2_records(after)[NAME], "metadata": 0} == {**before, "url": "https://x", "metadata": 0}
    row = 'acme/Foo-7B,7,Foo 7B,https://x,,,generalist,"7B, chat",,\r\n'
    assert csv_lines(after)[1] == row


def test_tags_that_look_the_same_for_another_size_are_taken_from_the_entry() -> None:
    documents = edited(
        text_documents(), Create(NAME, {"name": NAME, "parameters": 7 * 10**9, "tags": ["8B"]})
    )
    after = changed(documents, put(parameters=8 * 10**9, tags=["7B"]))
    assert shown(documents)["tags"] == shown(after)["tags"] == ["7B", "8B"]
    assert v2_records(after)[NAME]["tags"] == ["7B"]


def test_rows_and_entries_of_other_models_keep_their_text() -> None:
    documents = text_documents(a_row("a/A-1B", "1.0", tags="b,  a"), a_row(), a_row("b/B-2B", "2.0"))
    before = csv_lines(documents)
    after = csv_lines(changed(documents, put(nsfw=True, description="new")))
    assert [new == old for old, new in zip(before, after, strict=True)] == [True, True, False, True]


def test_a_field_that_is_not_sent_is_taken_away() -> None:
    documents = text_documents(a_row(settings='{"top_k": 1}', instruct_format="x", url="u", description="d"))
    after = changed(documents, put())
    assert not {"settings", "instruct_format", "url"} & shown(after).keys()
    assert shown(after)["description"] == ""
    assert not {"settings", "instruct_format"} & v2_records(after)[NAME].keys()


def test_a_deleted_model_loses_its_three_entries() -> None:
    after = changed(text_documents(a_row(), a_row("b/B-2B", "2")), Delete(NAME))
    assert list(v1_entries(after)) == ["b/B-2B", "aphrodite/b/B-2B", "koboldcpp/B-2B"]
    assert list(v2_records(after)) == ["b/B-2B"]


def test_changes_of_one_model_are_made_in_order() -> None:
    changes = (
        put(tags=["a"]),
        put(tags=["a", "b"], style="x"),
        Delete(NAME),
        put(version="3"),
        put(nsfw=True),
    )
    after = changed(text_documents(), *changes)
    assert v2_records(after)[NAME].items() >= {"nsfw": True, "tags": [], "version": ""}.items()


def test_a_model_that_does_not_exist_cannot_be_deleted() -> None:
    with pytest.raises(ChangeRefused, match="does not exist"):
        changed(text_documents(), Delete(NAME))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": NAME, "parameters": "many"}, "parameters"),
        ({"name": NAME, "parameters": 0}, "parameters"),
        ({"name": NAME, "parameters": 7, "settings": {"no_such": 1}}, "no_such"),
        ({"name": NAME, "parameters": 7, "nsfw": "x"}, "nsfw"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_refused(entry: Record, message: str) -> None:
    with pytest.raises(ChangeRefused, match=message) as refused:
        changed(text_documents(), LegacyPut(NAME, entry))
    assert NAME in str(refused.value)


@given(FIELDS, FIELDS)
def test_v1_shows_what_was_put_over_any_record(stored: dict[str, Any], body: dict[str, Any]) -> None:
    documents = edited(text_documents(a_row("z/Z-1B", "1")), Create(NAME, {"name": NAME, **stored}))
    payload = put(**body)
    after = changed(documents, payload)
    visible = {key: value for key, value in payload.record.items() if key not in HIDDEN}
    assert same_json(shown(after), visible)
    before, record = v2_records(documents)[NAME], v2_records(after)[NAME]
    wanted_exception = body.get("name_schema_exception") or before.get("name_schema_exception")
    assert record.get("name_schema_exception") == wanted_exception
    assert record["text_model_group"] == before["text_model_group"]
    again = changed(after, put(**body))
    assert (again.legacy, again.csv, again.v2) == (after.legacy, after.csv, after.v2)

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.change_renderer import apply_changes
from horde_model_reference.documents import (
    CategoryDocuments,
    Change,
    ChangeRefused,
    Create,
    Delete,
    SourceUnreadable,
    Update,
)
from horde_model_reference.strict_json import parse_json_object, read_json_object
from horde_model_reference.v2_format import parse_v2, render_v2
from support.model_records import (
    MD5,
    NOW,
    FileStyle,
    a_download,
    a_legacy_config,
    a_legacy_image,
    a_small_legacy_record,
    an_image,
    canonical_file,
    imported,
)

LATER = NOW + 60
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def images(*names: str) -> CategoryDocuments:
    return imported("image_generation", canonical_file({name: a_legacy_image(name) for name in names}))


def changed(
    documents: CategoryDocuments,
    *changes: Change,
    category: str = "image_generation",
    author: str | None = None,
) -> CategoryDocuments:
    return apply_changes(category, documents, changes, now=LATER, author=author)


def legacy_of(documents: CategoryDocuments) -> dict[str, Any]:
    return parse_json_object(documents.legacy or b"")


def texts_of(body: bytes | None) -> dict[str, str]:
    """Map each name to the text of its member, name and value."""
    source = read_json_object(body or b"")
    return {name: source.text[item.key_start : item.value_end] for name, item in source.members.items()}


def test_no_change_gives_the_very_same_documents() -> None:
    documents = images("a")
    assert changed(documents) is documents


def test_an_update_shows_in_both_formats() -> None:
    after = changed(images("a", "b"), Update("a", {"description": "new", "baseline": "SDXL"}))
    record = parse_v2(after.v2)["a"]
    assert (record["description"], record["baseline"]) == ("new", "stable_diffusion_xl")
    expected = a_legacy_image("a", description="new", baseline="stable_diffusion_xl")
    assert after.legacy == canonical_file({"a": expected, "b": a_legacy_image("b")})


def test_an_update_of_v2_alone_leaves_legacy_as_it_is() -> None:
    documents = images("a")
    after = changed(documents, Update("a", {"finetune_series": {"name": "s"}}))
    assert after.legacy == documents.legacy
    assert parse_v2(after.v2)["a"]["finetune_series"] == {"name": "s"}


def test_fields_are_removed() -> None:
    after = changed(images("a"), Update("a", {}, unset=("description", "style")))
    assert not {"description", "style"} & parse_v2(after.v2)["a"].keys()
    assert not {"description", "style"} & legacy_of(after)["a"].keys()


def test_a_new_record_comes_last_in_both_formats() -> None:
    after = changed(images("a"), Create("new", an_image("new", description=None)))
    assert list(parse_v2(after.v2)) == ["a", "new"]
    assert list(legacy_of(after)) == ["a", "new"]
    assert after.legacy == canonical_file(legacy_of(after))


def test_a_new_record_may_leave_out_its_name() -> None:
    after = changed(images("a"), Create("new", {"baseline": "infer", "nsfw": True}))
    assert parse_v2(after.v2)["new"]["name"] == "new"


def test_a_record_is_deleted_from_both_formats() -> None:
    after = changed(images("a", "b", "c"), Delete("b"))
    assert list(parse_v2(after.v2)) == ["a", "c"]
    assert after.legacy == canonical_file({"a": a_legacy_image("a"), "c": a_legacy_image("c")})


def test_changes_are_made_in_order() -> None:
    after = changed(
        images("a", "b"),
        Create("c", an_image("c")),
        Update("c", {"nsfw": True}),
        Delete("a"),
        Create("a", an_image("a")),
        Update("b", {"description": "1"}),
        Update("b", {"description": "2"}),
    )
    assert list(parse_v2(after.v2)) == list(legacy_of(after)) == ["b", "c", "a"]
    assert legacy_of(after)["c"]["nsfw"] is True
    assert legacy_of(after)["b"]["description"] == "2"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Create("a", an_image("a")), "'a' exists already"),
        (Update("x", {}), "'x' does not exist"),
        (Delete("x"), "'x' does not exist"),
        (Create("x", an_image("y")), "name: is 'y'"),
        (Update("a", {"name": "b"}), "name: is 'b'"),
        (Create(" ", an_image(" ")), "must not be blank"),
        (Create("a\\b", an_image("a\\b")), "must not hold a backslash"),
        (Create("\ud800", an_image("\ud800")), "holds a lone surrogate"),
        (Create("x", an_image("x", baseline="no")), "Unknown baseline: no"),
        (Update("a", {"style": "no"}), "Unknown style: no"),
        (Update("a", {}, unset=("nsfw",)), "nsfw: Field required"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(change: Change, message: str) -> None:
    with pytest.raises(ChangeRefused, match="image_generation: ") as caught:
        changed(images("a"), change)
    assert message in str(caught.value)
    str(caught.value).encode()


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(ChangeRefused, match="the category 'x' is not known"):
        changed(CategoryDocuments(v2=b"{}"), Delete("a"), category="x")


def test_unreadable_documents_are_not_edited() -> None:
    with pytest.raises(SourceUnreadable):
        changed(CategoryDocuments(v2=b"{", legacy=b"{}"), Delete("a"))


def test_a_record_whose_name_differs_from_its_key_can_be_edited() -> None:
    body = b'{"control_qr_sdxl": {"name": "control_qr_xl", "type": "control_qr_xl"}}'
    after = changed(
        imported("controlnet", body), Update("control_qr_sdxl", {"version": "1"}), category="controlnet"
    )
    assert after.legacy == (
        b'{"control_qr_sdxl": {"name": "control_qr_xl", "type": "control_qr_xl", "version": "1"}}'
    )


def test_a_creation_notes_when_and_by_whom() -> None:
    after = changed(images("a"), Create("b", an_image("b")), author="me#1")
    assert parse_v2(after.v2)["b"]["metadata"] == {
        "schema_version": "2.0.0",
        "created_at": LATER,
        "updated_at": LATER,
        "created_by": "me#1",
    }


def test_given_times_of_a_creation_stay() -> None:
    given_metadata = {"created_at": 1, "updated_at": 2, "created_by": "x", "schema_version": "1.0.0"}
    after = changed(images("a"), Create("b", an_image("b", metadata=given_metadata)))
    assert parse_v2(after.v2)["b"]["metadata"] == given_metadata | {"schema_version": "2.0.0"}


def test_an_update_keeps_the_creation_and_notes_the_change() -> None:
    created = changed(images("a"), Create("b", an_image("b")), author="me#1")
    forged = {"created_at": 1, "created_by": "x", "updated_at": 1, "updated_by": "x"}
    change = Update("b", {"metadata": forged})
    after = apply_changes("image_generation", created, [change], now=LATER + 1, author="you#2")
    assert parse_v2(after.v2)["b"]["metadata"] == {
        "schema_version": "2.0.0",
        "created_at": LATER,
        "updated_at": LATER + 1,
        "created_by": "me#1",
        "updated_by": "you#2",
    }


@pytest.mark.parametrize("category", ["lora", "controlnet_annotator", "video_generation"])
def test_a_category_without_legacy_form_has_no_legacy_document(category: str) -> None:
    after = changed(CategoryDocuments(v2=b"{}"), Create("a", {"name": "a"}), category=category)
    assert after.legacy is None
    assert list(parse_v2(after.v2)) == ["a"]


def test_the_first_record_of_a_category_makes_a_canonical_legacy_document() -> None:
    after = changed(CategoryDocuments(v2=b"{}"), Create("a", an_image("a")))
    assert after.legacy == canonical_file(legacy_of(after))
    assert list(legacy_of(after)) == ["a"]


def test_records_that_v2_left_out_stay_in_legacy() -> None:
    body = b'{\n"bad": {"name": "x", "name": "y"},\n"good": {"name": "good"},\n"odd": 5\n}\n'
    after = changed(imported("blip", body), Update("good", {"version": "1"}), category="blip")
    assert after.legacy == body.replace(b'"good"}', b'"good", "version": "1"}')


def test_a_new_record_takes_the_place_of_one_that_v2_left_out() -> None:
    body = b'{\n\t"bad": {},\n\t"good": {\n\t\t"name": "good"\n\t}\n}\n'
    after = changed(imported("blip", body), Create("bad", {"name": "bad"}), category="blip")
    assert list(legacy_of(after)) == ["bad", "good"]
    assert legacy_of(after)["bad"]["type"] == "blip"
    assert (after.legacy or b"").endswith(b'\t"good": {\n\t\t"name": "good"\n\t}\n}\n')


def test_a_record_that_legacy_lacks_is_added_to_it() -> None:
    documents = CategoryDocuments(v2=render_v2({"a": an_image("a")}), legacy=b"{}\n")
    after = changed(documents, Update("a", {"nsfw": True}))
    assert legacy_of(after)["a"]["nsfw"] is True
    assert changed(documents, Delete("a")) == CategoryDocuments(v2=b"{}", legacy=b"{}\n")


@pytest.mark.parametrize("category", ["image_generation", "esrgan"])
def test_an_update_that_is_taken_back_leaves_no_trace(category: str) -> None:
    record = {
        "name": "a",
        "baseline": "SDXL",
        "config": a_legacy_config("m.ckpt", yaml="v1.yaml", md5sum=MD5),
    }
    body = FileStyle(indent="    ").render({"a": record | {"x": None, "description": "d"}})
    documents = imported(category, body)
    before = parse_v2(documents.v2)["a"]
    after = changed(
        documents,
        Update("a", {"description": "e", "tags": ["t"], "config": {"download": []}}),
        Update("a", {"description": "d", "tags": [], "config": before["config"]}),
        category=category,
    )
    assert after.legacy == body


def test_a_list_that_is_removed_loses_its_key_and_one_that_is_emptied_keeps_it() -> None:
    lists = {"tags": ["x"], "showcases": ["x"], "trigger": ["x"]}
    documents = imported("image_generation", canonical_file({"a": a_legacy_image("a", **lists)}))
    found = legacy_of(changed(documents, Update("a", {"tags": None, "showcases": []}, ("trigger",))))["a"]
    assert {field: found.get(field) for field in lists} == {"tags": None, "showcases": [], "trigger": None}


@pytest.mark.parametrize(
    "style",
    [
        FileStyle(indent="  "),
        FileStyle(indent="\t"),
        FileStyle(indent="    ", final_newline=False),
        FileStyle(indent="    ", colon=":"),
        FileStyle(indent="    ", first_name_indented=False),
    ],
)
def test_an_image_file_that_was_not_canonical_is_so_after_an_edit(style: FileStyle) -> None:
    records = {name: a_legacy_image(name) for name in "abc"}
    after = changed(imported("image_generation", style.render(records)), Delete("a"))
    assert after.legacy == canonical_file({name: records[name] for name in "bc"})


def test_an_image_file_on_one_line_is_canonical_after_an_edit() -> None:
    records = {name: a_legacy_image(name) for name in "ab"}
    after = changed(imported("image_generation", json.dumps(records).encode()), Delete("b"))
    assert after.legacy == canonical_file({"a": records["a"]})


def test_a_record_that_cannot_be_used_survives_an_edit_of_its_neighbour() -> None:
    good = json.dumps(a_legacy_image("a"))
    body = f'{{"bad": {{"x": 1e400, "x": 2}}, "a": {good}, "worse": {{"n": {2**70}}}}}'.encode()
    after = changed(imported("image_generation", body), Update("a", {"description": "new"}))
    found = texts_of(after.legacy)
    assert list(found) == ["bad", "a", "worse"]
    assert found["bad"] == '"bad": {"x": 1e400, "x": 2}'
    assert found["worse"] == f'"worse": {{"n": {2**70}}}'


def test_a_file_that_is_listed_twice_is_refused() -> None:
    config = {"download": [a_download("a"), a_download("a")]}
    with pytest.raises(ChangeRefused, match=r"'a', config\.download\.1\.file_name: 'a' is listed twice"):
        changed(images("a"), Update("a", {"config": config}))


FILE_NAMES = TEXT.filter(lambda name: name and "yaml" not in name.lower())
RECORD_CHANGES = st.one_of(
    st.builds(lambda text: ({"description": text}, ()), TEXT),
    st.builds(lambda text: ({"version": text}, ()), TEXT),
    st.just(({}, ("description",))),
    st.just(({}, ("version", "description"))),
    st.builds(lambda name: ({"config": {"download": [a_download(name)]}}, ()), FILE_NAMES),
    st.just(({"config": {"download": []}}, ())),
    st.just(({"size_on_disk_bytes": 5}, ())),
)
STYLES = st.builds(
    FileStyle,
    newline=st.sampled_from(["\n", "\r\n"]),
    indent=st.sampled_from(["\t", "  ", "    "]),
    first_name_indented=st.booleans(),
    other_indent=st.sampled_from([None, "    "]),
)


@given(
    style=STYLES,
    names=st.lists(TEXT.filter(str.strip), min_size=1, max_size=6, unique=True),
    data=st.data(),
)
def test_records_that_are_not_touched_keep_their_bytes_and_order(
    style: FileStyle, names: list[str], data: st.DataObject
) -> None:
    documents = imported("esrgan", style.render({name: a_small_legacy_record(name) for name in names}))
    touched = data.draw(st.lists(st.sampled_from(names), unique=True))
    changes: list[Change] = []
    for name in touched:
        fields, unset = data.draw(RECORD_CHANGES)
        changes.append(Delete(name) if data.draw(st.booleans()) else Update(name, fields, unset))
    deleted = {change.name for change in changes if isinstance(change, Delete)}
    after = changed(documents, *changes, category="esrgan")
    before_texts, after_texts = texts_of(documents.legacy), texts_of(after.legacy)
    assert list(after_texts) == [name for name in names if name not in deleted]
    assert list(parse_v2(after.v2)) == list(after_texts)
    for name in set(names) - set(touched):
        assert after_texts[name] == before_texts[name]


@given(names=st.lists(TEXT.filter(str.strip), min_size=1, max_size=5, unique=True), data=st.data())
def test_a_canonical_file_is_canonical_after_any_edit(names: list[str], data: st.DataObject) -> None:
    documents = images(*names)
    changes: list[Change] = []
    for name in data.draw(st.lists(st.sampled_from(names), unique=True)):
        fields, unset = data.draw(RECORD_CHANGES)
        changes.append(Delete(name) if data.draw(st.booleans()) else Update(name, fields, unset))
    new = data.draw(TEXT.filter(lambda name: name.strip() and "\\" not in name and name not in names))
    changes.append(Create(new, an_image(new)))
    after = changed(documents, *changes)
    assert after.legacy == (json.dumps(legacy_of(after), indent=4) + "\n").encode()


@given(data=st.data(), fields=RECORD_CHANGES)
def test_an_edited_record_reads_back_as_what_v2_says(
    data: st.DataObject, fields: tuple[dict[str, Any], tuple[str, ...]]
) -> None:
    after = changed(images("a", "b"), Update("a", *fields))
    again = parse_v2(imported("image_generation", after.legacy or b"").v2)["a"]
    stored = parse_v2(after.v2)["a"]
    for record in (again, stored):
        del record["metadata"]
        for item in record["config"]["download"]:
            item.pop("known_slow_download", None)
    assert again == stored

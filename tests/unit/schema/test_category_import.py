import json

import pytest

from horde_model_reference.category_import import import_source
from horde_model_reference.change_renderer import apply_changes
from horde_model_reference.documents import CategoryDocuments, Delete, SourceUnreadable, Update
from horde_model_reference.v2_format import parse_v2
from support.model_records import (
    NOW,
    SHA256,
    FileStyle,
    a_legacy_image,
    a_small_legacy_record,
    canonical_file,
    imported,
)

SD = "stable_diffusion.json"
CLIP = b'{"ViT-L/14": {"name": "ViT-L/14", "type": "clip"}}'


def metadata(documents: CategoryDocuments, name: str) -> object:
    return parse_v2(documents.v2)[name]["metadata"]


def test_the_legacy_document_is_the_file_itself() -> None:
    body = FileStyle(newline="\r\n", other_indent="    ").render({"a": a_small_legacy_record("a")})
    assert imported("esrgan", body).legacy == body


def test_new_records_get_the_time_of_the_import() -> None:
    assert metadata(imported("clip", CLIP), "ViT-L/14") == {
        "schema_version": "2.0.0",
        "created_at": NOW,
        "updated_at": NOW,
    }


def test_the_same_file_again_changes_nothing() -> None:
    first = import_source("clip", {"clip.json": CLIP}, now=1, previous=None)
    second = import_source("clip", {"clip.json": CLIP}, now=2, previous=first.documents)
    assert second == first
    assert second.documents is first.documents


def test_the_same_file_again_still_tells_what_is_left_out() -> None:
    body = b'{"good": {"name": "good"}, "bad": {}}'
    first = import_source("blip", {"blip.json": body}, now=1, previous=None)
    second = import_source("blip", {"blip.json": body}, now=2, previous=first.documents)
    assert [item.name for item in second.rejected] == ["bad"]
    assert second.remarks == first.remarks


def test_a_changed_record_keeps_its_creation_and_the_others_everything() -> None:
    records = {name: a_legacy_image(name) for name in ("a", "b")}
    first = imported("image_generation", canonical_file(records), now=1)
    records["b"]["description"] = "new"
    records["c"] = a_legacy_image("c")
    second = import_source(
        "image_generation", {"stable_diffusion.json": canonical_file(records)}, now=2, previous=first
    ).documents
    assert metadata(second, "a") == {"schema_version": "2.0.0", "created_at": 1, "updated_at": 1}
    assert metadata(second, "b") == {"schema_version": "2.0.0", "created_at": 1, "updated_at": 2}
    assert metadata(second, "c") == {"schema_version": "2.0.0", "created_at": 2, "updated_at": 2}


def test_a_record_that_v2_shows_no_difference_of_keeps_its_times() -> None:
    records = {"a": a_legacy_image("a")}
    first = imported("image_generation", canonical_file(records), now=1)
    records["a"]["available"] = True
    body = canonical_file(records)
    second = import_source(
        "image_generation", {"stable_diffusion.json": body}, now=2, previous=first
    ).documents
    assert second == CategoryDocuments(v2=first.v2, legacy=body)


def test_what_only_v2_holds_survives_where_the_source_is_unchanged() -> None:
    records = {name: a_legacy_image(name) for name in ("a", "b")}
    first = imported("image_generation", canonical_file(records), now=1)
    series = Update("a", {"finetune_series": {"name": "s"}})
    edited = apply_changes("image_generation", first, [series], now=2, author="me#1")
    records["b"]["description"] = "new"
    body = canonical_file(records)
    second = import_source(
        "image_generation", {"stable_diffusion.json": body}, now=3, previous=edited
    ).documents
    assert parse_v2(second.v2)["a"] == parse_v2(edited.v2)["a"]
    assert metadata(second, "b") == {"schema_version": "2.0.0", "created_at": 1, "updated_at": 3}


def test_a_record_that_is_gone_from_the_source_is_gone() -> None:
    first = imported("esrgan", canonical_file({name: a_small_legacy_record(name) for name in "ab"}))
    second = import_source(
        "esrgan", {"esrgan.json": canonical_file({"b": a_small_legacy_record("b")})}, now=2, previous=first
    ).documents
    assert list(parse_v2(second.v2)) == ["b"]


def test_a_repaired_record_counts_as_new() -> None:
    first = imported("blip", b'{"a": {}}', now=1)
    second = import_source("blip", {"blip.json": b'{"a": {"name": "a"}}'}, now=2, previous=first).documents
    assert metadata(second, "a") == {"schema_version": "2.0.0", "created_at": 2, "updated_at": 2}


def test_unusable_records_are_left_out_in_the_order_of_the_file() -> None:
    body = (
        rb'{"dup": {"name": "x", "name": "y"}, "good": {"name": "good"}, "no": 5, "\ud800": {"name": "z"},'
        rb' "lone": {"name": "x", "config": {"files": [{"path": "\udc00"}]}},'
        rb' "big": {"name": "x", "n": 1e999}}'
    )
    found = import_source("blip", {"blip.json": body}, now=1, previous=None)
    assert list(parse_v2(found.documents.v2)) == ["good"]
    assert found.documents.legacy == body
    assert [(item.name, item.path) for item in found.rejected] == [
        *(("dup", "name"), ("no", ""), ("\\ud800", ""), ("lone", "config.files.0.path"), ("big", "n")),
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "clip.json: line 1 column 1: expected an object"),
        (b'{"a": {}, "a": {}}', "clip.json: line 1 column 11: the name 'a' occurs twice"),
        (b'{"a": {"x": NaN}}', "clip.json: line 1 column 13: NaN is not JSON"),
    ],
)
def test_an_unreadable_file_is_an_error(body: bytes, message: str) -> None:
    with pytest.raises(SourceUnreadable) as caught:
        imported("clip", body)
    assert str(caught.value) == message


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(SourceUnreadable, match=r"^clip\.json is missing$"):
        import_source("clip", {"blip.json": CLIP}, now=1, previous=None)


def test_text_models_come_from_their_csv() -> None:
    body = b"name,parameters_bn\r\nA/B-7B,7\r\n"
    documents = import_source("text_generation", {"models.csv": body}, now=1, previous=None).documents
    assert parse_v2(documents.v2)["A/B-7B"]["parameters"] == 7_000_000_000
    edited = apply_changes("text_generation", documents, [Delete("A/B-7B")], now=2, author=None)
    assert (edited.v2, edited.csv) == (b"{}", b"name,parameters_bn\r\n")


@pytest.mark.parametrize("category", ["lora", "controlnet_annotator", "unknown"])
def test_a_category_without_legacy_form_has_no_source(category: str) -> None:
    with pytest.raises(SourceUnreadable, match="has no legacy form"):
        import_source(category, {f"{category}.json": b"{}"}, now=1, previous=None)


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "../..",
        "a.b",
        'say "x"',
        "\N{GRINNING FACE}",
        "\u2028",
        " ",
        "",
        "x" * 10_000,
        "a\\b",
        "__proto__",
    ],
)
def test_any_name_is_imported(name: str) -> None:
    body = canonical_file({name: {"name": name, "type": "clip"}})
    documents = imported("clip", body)
    assert list(parse_v2(documents.v2)) == [name]
    assert json.loads(documents.legacy or b"") == json.loads(body)


def test_a_record_with_a_number_beyond_64_bits_is_left_out() -> None:
    records = {"a": a_legacy_image("a", requirements={"seed": -(10**25)}), "b": a_legacy_image("b")}
    found = import_source(
        "image_generation", {"stable_diffusion.json": canonical_file(records)}, now=NOW, previous=None
    )
    assert list(parse_v2(found.documents.v2)) == ["b"]
    assert [(item.name, item.path) for item in found.rejected] == [("a", "requirements.seed")]


def test_a_hash_of_a_file_is_carried() -> None:
    found = parse_v2(imported("esrgan", canonical_file({"a": a_small_legacy_record("a")})).v2)["a"]
    assert found["config"]["download"][0]["sha256sum"] == SHA256

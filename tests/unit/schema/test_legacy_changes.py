import json
from typing import Any

import pytest

from horde_model_reference.change_renderer import apply_changes
from horde_model_reference.documents import (
    CategoryDocuments,
    ChangeRefused,
    Create,
    Delete,
    Record,
    SourceUnreadable,
    Update,
)
from horde_model_reference.legacy_changes import LegacyChange, LegacyPut, apply_legacy_changes
from horde_model_reference.strict_json import parse_json_object, read_json_object
from horde_model_reference.v2_format import parse_v2
from support.model_records import (
    MD5,
    NOW,
    SHA256,
    FileStyle,
    a_legacy_config,
    a_legacy_image,
    a_small_legacy_record,
    canonical_file,
    imported,
)

LATER = NOW + 60


def images(*names: str) -> CategoryDocuments:
    return imported("image_generation", canonical_file({name: a_legacy_image(name) for name in names}))


def changed(
    documents: CategoryDocuments,
    *changes: LegacyChange,
    category: str = "image_generation",
    author: str | None = "7",
) -> CategoryDocuments:
    return apply_legacy_changes(category, documents, changes, now=LATER, author=author)


def legacy_of(documents: CategoryDocuments) -> dict[str, Any]:
    return parse_json_object(documents.legacy or b"")


def v2_of(documents: CategoryDocuments, name: str) -> Record:
    return parse_v2(documents.v2)[name]


def test_no_change_gives_the_very_same_documents() -> None:
    documents = images("a")
    assert changed(documents) is documents


def test_a_replaced_record_shows_in_both_formats_and_no_other_changes() -> None:
    documents = images("a", "b")
    record = a_legacy_image("a", description="new", baseline="stable diffusion 2", available=True)
    after = changed(documents, LegacyPut("a", record))
    assert after.legacy == canonical_file({"a": record, "b": a_legacy_image("b")})
    stored = v2_of(after, "a")
    assert (stored["description"], stored["baseline"]) == ("new", "stable_diffusion_2_768")
    assert v2_of(after, "b") == v2_of(documents, "b")


def test_a_put_replaces_the_whole_record() -> None:
    after = changed(images("a"), LegacyPut("a", {"name": "a", "baseline": "flux_1", "type": "ckpt"}))
    assert legacy_of(after)["a"] == {"name": "a", "baseline": "flux_1", "type": "ckpt"}
    assert not {"description", "size_on_disk_bytes"} & v2_of(after, "a").keys()


def test_a_new_record_comes_last_in_both_formats() -> None:
    record = dict(reversed(list(a_legacy_image("new").items())))
    after = changed(images("a"), LegacyPut("new", record))
    assert after.legacy == canonical_file({"a": a_legacy_image("a"), "new": a_legacy_image("new")})
    assert list(parse_v2(after.v2)) == ["a", "new"]


def test_the_first_record_of_a_category_makes_its_file() -> None:
    after = changed(CategoryDocuments(v2=b"{}"), LegacyPut("a", a_legacy_image("a")))
    assert after.legacy == canonical_file({"a": a_legacy_image("a")})


def test_a_record_is_deleted_from_both_formats() -> None:
    after = changed(images("a", "b", "c"), Delete("b"))
    assert list(parse_v2(after.v2)) == ["a", "c"]
    assert after.legacy == canonical_file({"a": a_legacy_image("a"), "c": a_legacy_image("c")})


def test_changes_are_made_in_order() -> None:
    new = a_legacy_image("a", description="made anew")
    changes = (Delete("a"), LegacyPut("a", a_legacy_image("a")), LegacyPut("a", new))
    after = changed(images("a", "b"), *changes)
    assert list(legacy_of(after)) == list(parse_v2(after.v2)) == ["b", "a"]
    assert v2_of(after, "a")["description"] == "made anew"
    assert v2_of(after, "a")["metadata"]["created_at"] == LATER


def test_times_and_authors_are_set_by_the_server() -> None:
    created = changed(images(), LegacyPut("a", a_legacy_image("a")), author="1")
    stamps = {"created_at": LATER, "updated_at": LATER, "created_by": "1"}
    assert v2_of(created, "a")["metadata"] == {"schema_version": "2.0.0", **stamps}
    put = LegacyPut("a", a_legacy_image("a", nsfw=True))
    edited = apply_legacy_changes("image_generation", created, [put], now=LATER + 9, author="2")
    assert v2_of(edited, "a")["metadata"] == {
        "schema_version": "2.0.0",
        **stamps,
        "updated_at": LATER + 9,
        "updated_by": "2",
    }


def test_an_edit_of_one_record_keeps_the_metadata_of_all_others() -> None:
    documents = apply_changes(
        "image_generation", images("a", "b"), [Update("b", {"nsfw": True})], now=LATER, author="3"
    )
    after = changed(documents, LegacyPut("a", a_legacy_image("a", nsfw=True)))
    assert v2_of(after, "b")["metadata"]["updated_by"] == "3"


def test_what_legacy_cannot_say_is_kept() -> None:
    download = {
        "file_name": "model.ckpt",
        "file_url": "https://host/model.ckpt",
        "sha256sum": SHA256,
        "size_bytes": 9,
        "known_slow_download": True,
    }
    series = {"name": "s", "author": "me"}
    edit = Update("a", {"finetune_series": series, "config": {"download": [download]}})
    documents = apply_changes("image_generation", images("a"), [edit], now=NOW, author=None)
    after = changed(documents, LegacyPut("a", a_legacy_image("a", description="new")))
    assert v2_of(after, "a")["finetune_series"] == series
    assert v2_of(after, "a")["config"]["download"] == [download]


@pytest.mark.parametrize(
    ("change", "size_bytes", "slow"),
    [
        ({"sha256sum": "ff" * 32}, None, True),
        ({"file_url": "https://elsewhere/x"}, 9, False),
        ({"sha256sum": SHA256.upper()}, 9, True),
    ],
)
def test_what_is_known_about_a_file_goes_with_the_file(
    change: dict[str, str], size_bytes: int | None, slow: bool
) -> None:
    documents = imported("esrgan", canonical_file({"a": a_small_legacy_record("a")}))
    download = {
        **v2_of(documents, "a")["config"]["download"][0],
        "size_bytes": 9,
        "known_slow_download": True,
    }
    edit = Update("a", {"config": {"download": [download]}})
    documents = apply_changes("esrgan", documents, [edit], now=NOW, author=None)
    record = a_small_legacy_record("a")
    part = "files" if "sha256sum" in change else "download"
    record["config"][part][0].update(change)
    found = v2_of(changed(documents, LegacyPut("a", record), category="esrgan"), "a")["config"]["download"][0]
    assert (found.get("size_bytes"), found["known_slow_download"]) == (size_bytes, slow)


def test_another_file_without_a_hash_loses_the_size() -> None:
    record = {"name": "a", "type": "blip", "config": {"files": [{"path": "f"}]}}
    documents = imported("blip", canonical_file({"a": record}))
    edit = Update("a", {"config": {"download": [{"file_name": "f", "file_url": "", "size_bytes": 9}]}})
    documents = apply_changes("blip", documents, [edit], now=NOW, author=None)
    record["config"]["download"] = [{"file_name": "f", "file_url": "https://h/f"}]  # type: ignore[index]
    found = v2_of(changed(documents, LegacyPut("a", record), category="blip"), "a")
    assert "size_bytes" not in found["config"]["download"][0]


def test_small_categories_keep_what_their_legacy_form_does_not_carry() -> None:
    documents = imported("esrgan", canonical_file({"a": a_small_legacy_record("a")}))
    edit = Update("a", {"size_on_disk_bytes": 5})
    documents = apply_changes("esrgan", documents, [edit], now=NOW, author=None)
    after = changed(documents, LegacyPut("a", a_small_legacy_record("a", description="b")), category="esrgan")
    assert v2_of(after, "a")["size_on_disk_bytes"] == 5


def test_what_an_image_record_carries_is_not_kept() -> None:
    record = {key: value for key, value in a_legacy_image("a").items() if key != "size_on_disk_bytes"}
    assert "size_on_disk_bytes" not in v2_of(changed(images("a"), LegacyPut("a", record)), "a")


def test_only_the_touched_record_is_written_anew_in_the_style_of_the_file() -> None:
    style = FileStyle(newline="\r\n", colon=" : ")
    records = {name: a_small_legacy_record(name) for name in ("a", "b", "c")}
    documents = imported("esrgan", style.render(records))
    records["b"] = a_small_legacy_record("b", description="new")
    after = changed(documents, LegacyPut("b", records["b"]), category="esrgan")
    assert after.legacy == style.render(records)


def test_the_keys_of_a_replaced_record_keep_their_order() -> None:
    config = {
        "download": [{"file_url": "u", "file_name": "f", "file_path": ""}],
        "files": [{"path": "f", "sha256sum": SHA256, "md5sum": MD5}],
    }
    original = {"type": "blip", "name": "a", "config": config, "extra": 1}
    documents = imported("blip", canonical_file({"a": original}))
    put = {
        "name": "a",
        "type": "blip",
        "available": False,
        "description": "new",
        "extra": 2,
        "config": {
            "files": [{"md5sum": MD5, "path": "f", "sha256sum": SHA256, "directory": ""}],
            "download": [{"file_name": "f", "file_path": "", "file_url": "u"}],
        },
    }
    after = changed(documents, LegacyPut("a", put), category="blip")
    config["files"][0]["directory"] = ""
    wanted = {
        "type": "blip",
        "name": "a",
        "description": "new",
        "config": config,
        "extra": 2,
        "available": False,
    }
    assert after.legacy == canonical_file({"a": wanted})


def test_a_record_that_is_put_as_it_is_keeps_its_bytes() -> None:
    body = b'{\n "a": {"name": "a",   "type":"blip", "config": {"files": [] }} }\n'
    documents = imported("blip", body)
    put = LegacyPut("a", {"type": "blip", "name": "a", "config": {"files": []}})
    after = changed(documents, put, category="blip")
    assert after.legacy == body
    assert v2_of(after, "a")["metadata"]["updated_by"] == "7"


def test_nulls_are_never_written() -> None:
    record = a_small_legacy_record("a", extra=None, deep={"a": None})
    after = changed(imported("esrgan", b"{}"), LegacyPut("a", record), category="esrgan")
    assert legacy_of(after)["a"] == a_small_legacy_record("a", deep={})


def test_a_record_that_does_not_convert_is_refused_and_others_are_not_hindered() -> None:
    records: dict[str, Any] = {
        "bad": {"name": "bad", "baseline": "nope"},
        "a": a_legacy_image("a"),
        "odd": [1],
    }
    documents = imported("image_generation", canonical_file(records))
    with pytest.raises(ChangeRefused, match="Unknown baseline: nope"):
        changed(documents, LegacyPut("a", a_legacy_image("a", baseline="nope")))
    records["a"] = a_legacy_image("a", nsfw=True)
    after = changed(documents, LegacyPut("a", records["a"]))
    assert after.legacy == canonical_file(records)
    assert list(parse_v2(after.v2)) == ["a"]


@pytest.mark.parametrize("name", ["bad", "odd", "twice"])
def test_a_record_that_did_not_convert_can_be_repaired_or_deleted(name: str) -> None:
    body = b'{"bad": {"baseline": "nope"}, "odd": [1], "twice": {"a": 1, "a": 2}}'
    documents = imported("image_generation", body)
    repaired = changed(documents, LegacyPut(name, a_legacy_image(name)))
    source = read_json_object(repaired.legacy or b"")
    assert source.members[name].value == a_legacy_image(name)
    assert list(source.members) == ["bad", "odd", "twice"]
    assert list(parse_v2(repaired.v2)) == [name]
    left = read_json_object(changed(documents, Delete(name)).legacy or b"")
    assert list(left.members) == [other for other in ("bad", "odd", "twice") if other != name]


def test_a_replaced_record_with_unusable_files_lends_its_order_as_far_as_it_has_one() -> None:
    records = {"a": {"config": {"files": [5, {"path": []}], "download": 7}, "type": "blip", "name": 5}}
    documents = imported("blip", json.dumps(records).encode())
    record = {"name": "a", "type": "blip", "config": a_legacy_config("f")}
    after = changed(documents, LegacyPut("a", record), category="blip")
    assert legacy_of(after)["a"] == record
    assert list(legacy_of(after)["a"]) == ["config", "type", "name"]


def test_a_name_that_differs_from_its_key_may_stay_or_become_the_key() -> None:
    record = {"name": "control_qr_xl", "type": "control_qr_xl"}
    documents = imported("controlnet", canonical_file({"control_qr_sdxl": record}))
    for name in ("control_qr_xl", "control_qr_sdxl"):
        put = LegacyPut("control_qr_sdxl", {**record, "name": name, "description": "d"})
        after = changed(documents, put, category="controlnet")
        assert legacy_of(after)["control_qr_sdxl"]["name"] == name
        assert v2_of(after, "control_qr_sdxl")["name"] == name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Delete("x"), "'x' does not exist"),
        (LegacyPut("x", a_legacy_image("y")), "name: is 'y'"),
        (LegacyPut(" ", a_legacy_image(" ")), "must not be blank"),
        (LegacyPut("a\\b", a_legacy_image("a\\b")), "must not hold a backslash"),
        (LegacyPut("\ud800", a_legacy_image("\ud800")), "lone surrogate"),
        (LegacyPut("a", {"name": "a"}), "baseline: Field required"),
        (LegacyPut("a", a_legacy_image("a", type="x")), "type: "),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(change: LegacyChange, message: str) -> None:
    with pytest.raises(ChangeRefused) as refused:
        changed(images("a"), change)
    assert message in str(refused.value)
    str(refused.value).encode()


@pytest.mark.parametrize("category", ["lora", "video_generation", "no_such"])
def test_a_category_without_legacy_form_is_refused(category: str) -> None:
    with pytest.raises(ChangeRefused, match="no legacy form"):
        changed(CategoryDocuments(v2=b"{}"), Delete("a"), category=category)


def test_unreadable_documents_are_not_edited() -> None:
    with pytest.raises(SourceUnreadable):
        changed(CategoryDocuments(v2=b"{}", legacy=b"{"), Delete("a"))


def test_changes_of_both_forms_follow_each_other() -> None:
    first = apply_changes(
        "image_generation",
        images("a"),
        [Create("new", {"baseline": "flux_1", "nsfw": True, "finetune_series": {"name": "s"}})],
        now=NOW,
        author="1",
    )
    second = changed(first, LegacyPut("new", {**legacy_of(first)["new"], "description": "d"}))
    third = apply_changes(
        "image_generation", second, [Update("new", {"version": "2"})], now=LATER, author="2"
    )
    assert v2_of(third, "new")["finetune_series"] == {"name": "s"}
    assert legacy_of(third)["new"] == {**legacy_of(first)["new"], "description": "d", "version": "2"}

from typing import Any

import pytest

from horde_model_reference.documents import Record
from horde_model_reference.legacy.to_v2 import convert_legacy
from support.model_records import (
    MD5,
    SHA256,
    a_legacy_config,
    a_legacy_image,
    a_small_legacy_record,
)


def converted(record: object, category: str = "image_generation") -> Record:
    conversion = convert_legacy(category, {"Model": record})
    assert conversion.rejected == ()
    return conversion.records["Model"]


def downloads(config: object) -> list[Record]:
    found: list[Record] = converted(a_legacy_image(config=config))["config"]["download"]
    return found


def codes(record: Record, category: str = "image_generation", key: str = "Model") -> set[str]:
    return {remark.code for remark in convert_legacy(category, {key: record}).remarks}


def test_an_image_record_becomes_a_v2_record() -> None:
    legacy = a_legacy_image(features_not_supported=["loras"], min_bridge_version="11", tags=[" a "])
    assert converted(legacy) == {
        "record_type": "image_generation",
        "name": "Model",
        "description": "a model",
        "version": "1.0",
        "metadata": {"schema_version": "2.0.0"},
        "config": {
            "download": [
                {
                    "file_name": "model.ckpt",
                    "file_url": "https://host/model.ckpt",
                    "sha256sum": SHA256,
                    "known_slow_download": False,
                }
            ]
        },
        "model_classification": {"domain": "image", "purpose": "generation"},
        "size_on_disk_bytes": 2132856622,
        "inpainting": False,
        "baseline": "stable_diffusion_1",
        "tags": ["a"],
        "showcases": [],
        "min_bridge_version": 11,
        "trigger": [],
        "nsfw": False,
        "style": "anime",
        "features_not_supported": ["loras"],
    }


def test_small_categories_carry_only_the_common_fields() -> None:
    legacy = a_small_legacy_record(
        baseline="stable diffusion 1",
        nsfw=True,
        size_on_disk_bytes=9,
        tags=["x"],
        features_not_supported=["a"],
    )
    assert set(converted(legacy, "esrgan")) == {
        *("record_type", "name", "description", "version", "metadata", "config", "model_classification"),
    }


@pytest.mark.parametrize(
    ("fields", "style"),
    [
        ({"type": "control_hough", "style": "x"}, "control_hough"),
        ({"type": None, "style": "control_depth"}, "control_depth"),
        ({"type": "", "style": "control_depth"}, "control_depth"),
        ({"style": "control_depth"}, "control_depth"),
        ({}, None),
    ],
)
def test_the_controlnet_style_is_the_type_or_else_the_style(fields: Record, style: str | None) -> None:
    assert converted({"name": "Model", **fields}, "controlnet").get("controlnet_style") == style


def test_the_pretrained_name_of_a_clip_model_is_carried() -> None:
    record = converted({"name": "Model", "type": "coca", "pretrained_name": "p"}, "clip")
    assert record["pretrained_name"] == "p"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("stable diffusion 2", "stable_diffusion_2_768"),
        ("stable diffusion 2 512", "stable_diffusion_2_512"),
        ("flux_1", "flux_1"),
        ("SD15", "stable_diffusion_1"),
    ],
)
def test_the_baseline_becomes_canonical(given: str, stored: str) -> None:
    assert converted(a_legacy_image(baseline=given))["baseline"] == stored


def test_the_key_is_the_legacy_key_and_never_the_name() -> None:
    conversion = convert_legacy("controlnet", {"control_qr_sdxl": {"name": "control_qr_xl"}})
    assert conversion.records["control_qr_sdxl"]["name"] == "control_qr_xl"
    assert [remark.code for remark in conversion.remarks] == ["name_mismatch", "missing_description"]


@pytest.mark.parametrize("config", [None, {}, {"files": None, "download": None}])
def test_a_record_without_files_has_no_downloads(config: object) -> None:
    assert downloads(config) == []


def test_yaml_files_and_empty_paths_are_not_downloads() -> None:
    files = [
        {"path": ""},
        {"path": "m.ckpt"},
        {"path": "X.YAML", "sha256sum": SHA256},
        {"path": "my_yaml_dir/x"},
    ]
    assert [item["file_name"] for item in downloads({"files": files})] == ["m.ckpt"]


@pytest.mark.parametrize("sha256sum", [None, ""])
def test_a_missing_hash_is_marked(sha256sum: str | None) -> None:
    assert downloads({"files": [{"path": "m", "sha256sum": sha256sum}]})[0]["sha256sum"] == "FIXME"


def test_the_letter_case_and_length_of_hashes_are_kept() -> None:
    assert downloads({"files": [{"path": "m", "sha256sum": "ABC"}]})[0]["sha256sum"] == "ABC"


def test_purpose_and_content_hash_come_from_the_file() -> None:
    files = [
        {"path": "v", "sha256sum": SHA256, "file_type": "vae", "content_hash": "c", "directory": "../vae"}
    ]
    found = downloads({"files": files})[0]
    assert (found["file_purpose"], found["content_hash"]) == ("vae", "c")
    assert "directory" not in found


def test_a_later_file_of_the_same_path_replaces_the_earlier_at_its_place() -> None:
    files = [{"path": "a", "sha256sum": "1"}, {"path": "b"}, {"path": "a", "sha256sum": "2"}]
    assert [(item["file_name"], item["sha256sum"]) for item in downloads({"files": files})] == [
        ("a", "2"),
        ("b", "FIXME"),
    ]


def test_the_later_of_two_downloads_counts_and_null_is_no_url() -> None:
    files = [{"path": "a"}, {"path": "b"}]
    sources = [
        {"file_name": "a", "file_url": "https://one"},
        {"file_name": "b", "file_url": None},
        {"file_name": "a", "file_url": "https://two"},
    ]
    found = downloads({"files": files, "download": sources})
    assert [item["file_url"] for item in found] == ["https://two", ""]


@pytest.mark.parametrize(
    ("file_name", "url", "slow"),
    [
        ("m", "https://Civitai.com/api/download/models/1", True),
        ("m", "https://huggingface.co/x", False),
        ("Civitai_m", "https://huggingface.co/x", True),
        ("m", "", False),
    ],
)
def test_downloads_from_civitai_are_slow(file_name: str, url: str, slow: bool) -> None:
    config = {"files": [{"path": file_name}], "download": [{"file_name": file_name, "file_url": url}]}
    assert downloads(config)[0]["known_slow_download"] is slow


def test_hashes_of_embedded_parts_are_copied_even_when_empty() -> None:
    for hashes in ({}, {"vae": "e"}):
        record = converted(a_legacy_image(config={"embedded_component_hashes": hashes}))
        assert record["config"] == {"download": [], "embedded_component_hashes": hashes}


def test_empty_strings_stay_empty_strings() -> None:
    record = converted(a_legacy_image(description="", version="", homepage=""))
    assert (record["description"], record["version"], record["homepage"]) == ("", "", "")


@pytest.mark.parametrize("nsfw", [None, False])
def test_absent_nsfw_is_false(nsfw: bool | None) -> None:
    assert converted(a_legacy_image(nsfw=nsfw))["nsfw"] is False


INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("image_generation", {"name": None}, "name"),
    ("image_generation", {"name": 5}, "name"),
    ("image_generation", {"baseline": None}, "baseline"),
    ("image_generation", {"baseline": "Stable Diffusion 1"}, "baseline"),
    ("image_generation", {"style": ""}, "style"),
    ("image_generation", {"style": "Anime"}, "style"),
    ("image_generation", {"type": "diffusers"}, "type"),
    ("image_generation", {"type": None}, "type"),
    ("image_generation", {"inpainting": None}, "inpainting"),
    ("image_generation", {"showcases": ["https://huggingface.co/a.png"]}, "showcases"),
    ("image_generation", {"tags": "a"}, "tags"),
    ("image_generation", {"trigger": [1]}, "trigger.0"),
    ("image_generation", {"requirements": {"a": {"b": 1}}}, "requirements"),
    ("image_generation", {"requirements": {"a": None}}, "requirements"),
    ("image_generation", {"size_on_disk_bytes": 1.5}, "size_on_disk_bytes"),
    ("image_generation", {"version": 2}, "version"),
    ("image_generation", {"config": []}, "config"),
    ("image_generation", {"config": {"files": [{"sha256sum": SHA256}]}}, "config.files.0.path"),
    ("image_generation", {"config": {"files": [{"path": "m", "sha256sum": 5}]}}, "config.files.0.sha256sum"),
    ("image_generation", {"config": {"download": [{"file_name": "x"}]}}, "config.download.0.file_name"),
    (
        "image_generation",
        {"config": {"files": [{"path": "m"}], "download": [{}]}},
        "config.download.0.file_name",
    ),
    (
        "image_generation",
        {"config": {"files": [{"path": "x.yaml"}], "download": [{"file_name": "x.yaml"}]}},
        "config.download.0.file_name",
    ),
    (
        "image_generation",
        {"config": {"files": [{"path": "m"}], "download": [{"file_name": "m", "file_url": "http://[::1"}]}},
        "config.download.0.file_url",
    ),
    ("image_generation", {"description": "\ud800"}, "description"),
    ("clip", {"type": "vit"}, "type"),
    ("esrgan", {"version": 2}, "version"),
    ("controlnet", {"type": 3}, "type"),
]


@pytest.mark.parametrize(("category", "fields", "path"), INVALID)
def test_an_invalid_record_is_left_out_and_its_neighbours_are_not(
    category: str, fields: dict[str, Any], path: str
) -> None:
    good = a_legacy_image() if category == "image_generation" else {"name": "good"}
    conversion = convert_legacy(category, {"first": good, "bad": {**good, **fields}, "last": good})
    assert list(conversion.records) == ["first", "last"]
    assert [(item.name, item.path) for item in conversion.rejected] == [("bad", path)]


@pytest.mark.parametrize("record", [None, 5, "x", []])
def test_a_record_that_is_no_object_is_left_out(record: object) -> None:
    assert convert_legacy("blip", {"bad": record}).rejected[0].reason == "is not an object"


def test_a_name_that_cannot_be_encoded_is_left_out_under_a_name_that_can() -> None:
    rejected = convert_legacy("blip", {"\ud800": {"name": "x"}}).rejected
    assert [(item.name, item.reason) for item in rejected] == [("\\ud800", "the name holds a lone surrogate")]


@pytest.mark.parametrize("odd", ["whatever", 5, {"a": 1}, ["x"]])
def test_an_unknown_type_of_a_small_category_is_only_remarked_on(odd: object) -> None:
    record = a_small_legacy_record(type=odd)
    assert converted(record, "gfpgan")["name"] == "Model"
    assert codes(record, "gfpgan") == {"unknown_type"}


def test_an_ordinary_record_gives_no_remark() -> None:
    assert codes(a_legacy_image(showcases=["https://host/1.webp"])) == set()
    for kind in ("realesrgan", "esrgan"):
        assert codes(a_small_legacy_record(type=kind), "esrgan") == set()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"description": None}, "missing_description"),
        ({"baseline": "SD15"}, "unknown_baseline_spelling"),
        ({"showcases": []}, "missing_showcases"),
        ({"config": a_legacy_config("m", yaml="other.yaml")}, "nonstandard_yaml"),
        ({"config": {"files": [{"path": "m", "sha256sum": SHA256}]}}, "unused_file"),
        ({"config": {"files": [{"path": "m", "sha256sum": "short"}], "download": []}}, "bad_hash_length"),
        ({"config": {"files": [{"path": "m", "md5sum": MD5}]}}, "missing_hash"),
        (
            {"config": {"files": [{"path": "m"}], "download": [{"file_name": "m", "file_url": ""}]}},
            "missing_url",
        ),
    ],
)
def test_something_odd_is_remarked_on(fields: Record, code: str) -> None:
    assert code in codes(a_legacy_image(showcases=["https://host/1.webp"]) | fields)


def test_json_files_need_no_hash() -> None:
    config = {"files": [{"path": "config.json"}], "download": [{"file_name": "config.json", "file_url": "u"}]}
    assert codes(a_small_legacy_record(config=config), "esrgan") == set()


def test_an_unknown_controlnet_style_is_remarked_on() -> None:
    assert codes({"name": "Model", "description": "d", "type": "control_new"}, "controlnet") == {
        "unknown_type"
    }
    assert codes({"name": "Model", "description": "d", "type": "control_tile"}, "controlnet") == set()

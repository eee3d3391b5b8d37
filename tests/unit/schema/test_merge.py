from collections.abc import Mapping
from typing import Any

import pytest

from horde_model_reference.documents import Record
from horde_model_reference.legacy.key_order import with_key
from horde_model_reference.legacy.merge import merge_legacy
from horde_model_reference.legacy.to_v2 import convert_legacy_record
from horde_model_reference.v2_format import validate_record
from support.model_records import (
    MD5,
    SHA256,
    a_download,
    a_legacy_config,
    a_legacy_image,
    a_small_legacy_record,
)

OTHER_SHA256 = "12" * 32


def merged(original: Record, category: str = "image_generation", **fields: object) -> Record:
    return merged_with(original, category, fields)


def merged_with(original: Record, category: str, fields: Mapping[str, object]) -> Record:
    before = convert_legacy_record(category, "Model", original)
    after = validate_record(category, "Model", {**before, **fields})
    result = merge_legacy(category, original, before, after)
    again = convert_legacy_record(category, "Model", result)
    for field in fields:
        assert legacy_visible(again.get(field)) == legacy_visible(after.get(field))
    return result


def legacy_visible(value: Any) -> Any:
    """Strip what legacy cannot show of a v2 value."""
    if isinstance(value, dict) and "download" in value:
        return {
            **value,
            "download": [
                {key: item[key] for key in item if key not in {"known_slow_download", "size_bytes"}}
                for item in value["download"]
            ],
        }
    return value or None


def config_after(config: Record, *downloads: Record) -> Record:
    found: Record = merged(a_legacy_image(config=config), config={"download": list(downloads)})["config"]
    return found


def test_an_edit_that_legacy_does_not_show_changes_nothing() -> None:
    original = a_legacy_image(description=None, other=[None])
    before = convert_legacy_record("image_generation", "Model", original)
    series = validate_record("image_generation", "Model", before | {"finetune_series": {"name": "s"}})
    assert merge_legacy("image_generation", original, before, series) is original
    assert merge_legacy("image_generation", original, before, before) is original


def test_only_the_changed_key_changes() -> None:
    original = a_legacy_image(unknown={"x": [1]}, features_not_supported=["loras"])
    assert merged(original, description="new") == original | {"description": "new"}


def test_the_keys_of_an_edited_image_record_stand_in_canonical_order() -> None:
    original = {"zzz": 1, **a_legacy_image(min_bridge_version="11")}
    found = list(merged(original, tags=["t"], homepage="h", min_bridge_version=12))
    assert found == [
        *("name", "baseline", "type", "inpainting", "description", "tags", "min_bridge_version", "version"),
        *("style", "homepage", "nsfw", "download_all", "config", "available", "size_on_disk_bytes", "zzz"),
    ]


def test_no_null_is_written_into_an_edited_record() -> None:
    original = a_legacy_image(homepage=None, foo={"a": None, "b": 1})
    found = merged(original, description="new")
    assert "homepage" not in found
    assert found["foo"] == {"b": 1}


@pytest.mark.parametrize("field", ["description", "version", "style", "size_on_disk_bytes"])
def test_a_removed_field_removes_the_key(field: str) -> None:
    assert field not in merged_with(a_legacy_image(), "image_generation", {field: None})


@pytest.mark.parametrize("field", ["tags", "showcases", "trigger", "features_not_supported"])
def test_an_emptied_list_keeps_a_key_that_the_original_had(field: str) -> None:
    found = merged_with(a_legacy_image() | {field: ["x"]}, "image_generation", {field: []})
    assert found[field] == []


@pytest.mark.parametrize("field", ["tags", "showcases", "trigger"])
def test_an_emptied_list_gets_no_key_of_its_own(field: str) -> None:
    original = a_legacy_image()
    before = convert_legacy_record("image_generation", "Model", original) | {field: ["x"]}
    after = before | {field: []}
    assert field not in merge_legacy("image_generation", original, before, after)


@pytest.mark.parametrize("value", [["x"], []])
@pytest.mark.parametrize("field", ["tags", "showcases", "trigger"])
def test_a_removed_list_removes_the_key(field: str, value: list[str]) -> None:
    original = a_legacy_image() | {field: value}
    before = convert_legacy_record("image_generation", "Model", original)
    assert field not in merge_legacy("image_generation", original, before, before | {field: []}, {field})


@pytest.mark.parametrize("field", ["tags", "showcases", "trigger"])
def test_a_list_that_was_empty_before_stays(field: str) -> None:
    assert merged(a_legacy_image() | {field: []}, description="new")[field] == []


def test_the_baseline_is_written_in_legacy_spelling() -> None:
    assert merged(a_legacy_image(), baseline="stable_diffusion_2_512")["baseline"] == "stable diffusion 2 512"


def test_an_unchanged_odd_spelling_stays() -> None:
    original = a_legacy_image(baseline="SD15", min_bridge_version="11")
    found = merged(original, description="new")
    assert (found["baseline"], found["min_bridge_version"]) == ("SD15", "11")


def test_the_form_of_a_number_is_a_change_of_its_own() -> None:
    original = a_legacy_image(requirements={"a": 1, "b": 3.0})
    assert repr(merged(original, requirements={"a": 1.0, "b": 3.0})["requirements"]) == "{'a': 1.0, 'b': 3.0}"


def test_a_new_key_of_a_small_record_stands_where_the_table_has_it() -> None:
    short = {"name": "Model", "type": "esrgan", "other": 1, "config": {}, "available": False}
    assert list(merged(short, "esrgan", description="d")) == [
        *("name", "type", "other", "description", "config", "available"),
    ]
    assert list(merged({**short, "type": "blip"}, "blip", version="1")) == [
        *("name", "type", "other", "version", "config", "available"),
    ]
    assert list(merged({"name": "Model"}, "blip", version="1")) == ["name", "version"]


def test_a_new_style_of_a_controlnet_record_changes_type_and_its_repetition() -> None:
    original = {"name": "Model", "type": "control_canny", "style": "control_canny"}
    assert merged(original, "controlnet", controlnet_style="control_qr") == {
        "name": "Model",
        "type": "control_qr",
        "style": "control_qr",
    }
    assert merged(original, "controlnet", controlnet_style=None) == {"name": "Model"}


def test_a_style_that_says_something_else_stays() -> None:
    original = {"name": "Model", "type": "control_canny", "style": "generalist"}
    found = merged(original, "controlnet", controlnet_style="control_qr")
    assert (found["type"], found["style"]) == ("control_qr", "generalist")


def test_a_style_that_stands_in_for_the_type_is_changed_itself() -> None:
    assert merged(
        {"name": "Model", "style": "control_canny"}, "controlnet", controlnet_style="control_qr"
    ) == {
        "name": "Model",
        "style": "control_qr",
    }


def test_a_new_url_changes_the_download_alone() -> None:
    config = a_legacy_config("model.ckpt", yaml="v1-inference.yaml", md5sum=MD5)
    found = config_after(config, a_download(file_url="https://new"))
    assert found["files"] == config["files"]
    assert found["download"] == [config["download"][0] | {"file_url": "https://new"}]


def test_a_new_hash_drops_the_md5sum_of_that_file_alone() -> None:
    config = a_legacy_config("a", "b", yaml="v1-inference.yaml", md5sum=MD5)
    found = config_after(config, a_download("a"), a_download("b", sha256sum=OTHER_SHA256))
    assert found["files"] == [
        config["files"][0],
        {"path": "b", "sha256sum": OTHER_SHA256},
        {"path": "v1-inference.yaml"},
    ]
    assert found["download"] == config["download"]


def test_another_letter_case_is_the_same_hash() -> None:
    config = a_legacy_config("model.ckpt", md5sum=MD5)
    found = config_after(config, a_download(sha256sum=SHA256.upper()))
    assert found["files"] == [{"path": "model.ckpt", "md5sum": MD5, "sha256sum": SHA256.upper()}]


def test_the_own_key_order_of_a_file_stays() -> None:
    config = {"files": [{"path": "a", "sha256sum": SHA256, "x": 1}], "download": []}
    found = config_after(config, a_download("a", file_url="", file_purpose="vae", content_hash="c"))
    assert list(found["files"][0]) == ["path", "sha256sum", "x", "file_type", "content_hash"]


def test_an_additional_file_comes_behind_the_yaml_of_its_predecessor() -> None:
    config = a_legacy_config("a", yaml="a.yaml")
    found = config_after(config, a_download("a"), a_download("b"))
    assert [item["path"] for item in found["files"]] == ["a", "a.yaml", "b"]
    assert found["download"][1] == {"file_name": "b", "file_path": "", "file_url": "https://host/b"}


def test_a_removed_file_leaves_what_v2_does_not_know() -> None:
    files = [{"path": "a"}, {"path": "a.yaml"}, {"path": "b", "directory": ""}]
    config = {"files": files, "download": [{"file_name": "a"}, {"file_name": "b"}], "other": 1}
    found = config_after(config, a_download("b", file_url="", sha256sum="FIXME"))
    assert found == {"files": files[1:], "download": [{"file_name": "b"}], "other": 1}


def test_a_renamed_file_keeps_its_place_and_what_v2_does_not_know() -> None:
    files = [{"path": "a", "sha256sum": SHA256, "directory": "../x"}, {"path": "a.yaml"}]
    config = {"files": files, "download": [{"file_name": "a", "file_path": "p", "file_url": "u"}]}
    found = config_after(config, a_download("n", file_url="u"))
    assert found["files"] == [files[0] | {"path": "n"}, files[1]]
    assert found["download"] == [{"file_name": "n", "file_path": "p", "file_url": "u"}]


def test_files_follow_a_new_order() -> None:
    config = a_legacy_config("a", "b", yaml="b.yaml")
    found = config_after(config, a_download("b"), a_download("a"))
    assert [item["path"] for item in found["files"]] == ["b", "b.yaml", "a"]
    assert [item["file_name"] for item in found["download"]] == ["b", "a"]


def test_a_file_gets_a_download_only_once_it_has_a_url() -> None:
    config = {"files": [{"path": "a", "sha256sum": SHA256}], "download": []}
    assert config_after(config, a_download("a", file_url="", file_purpose="vae"))["download"] == []
    assert config_after(config, a_download("a"))["download"] == [
        {"file_name": "a", "file_path": "", "file_url": "https://host/a"},
    ]


def test_the_last_of_several_entries_of_a_path_is_the_one_that_counts() -> None:
    config = {
        "files": [{"path": "a", "sha256sum": "1"}, {"path": "b"}, {"path": "a", "sha256sum": "2"}],
        "download": [{"file_name": "a", "file_url": "u1"}, {"file_name": "a", "file_url": "u2"}],
    }
    found = config_after(
        config, a_download("a", sha256sum="3", file_url="u3"), a_download("b", file_url="", sha256sum="FIXME")
    )
    assert [item.get("sha256sum") for item in found["files"]] == ["1", "3", None]
    assert [item["file_url"] for item in found["download"]] == ["u1", "u3"]


def test_a_record_without_config_gets_one_at_its_place() -> None:
    original = {key: value for key, value in a_legacy_image().items() if key != "config"}
    found = merged(
        original, config={"download": [a_download("a")], "embedded_component_hashes": {"vae": "e"}}
    )
    assert list(found).index("config") == list(found).index("download_all") + 1
    assert list(found["config"]) == ["files", "download", "embedded_component_hashes"]


def test_a_small_record_keeps_the_place_of_its_config() -> None:
    original = a_small_legacy_record()
    found = merged(original, "esrgan", config={"download": []})
    assert list(found) == list(original)
    assert found["config"] == {"files": [], "download": []}


def test_hashes_of_embedded_parts_come_and_go() -> None:
    original = a_legacy_image()
    downloads = convert_legacy_record("image_generation", "Model", original)["config"]["download"]
    with_hashes = merged(original, config={"download": downloads, "embedded_component_hashes": {"vae": "e"}})
    assert with_hashes["config"] == original["config"] | {"embedded_component_hashes": {"vae": "e"}}
    assert merged(with_hashes, config={"download": downloads})["config"] == original["config"]


def test_a_null_removes_and_moves_nothing() -> None:
    assert list(with_key({"b": 1, "x": 2, "a": 3}, "x", None, ("a", "b"))) == ["b", "a"]
    assert list(with_key({"b": 1, "x": 2}, "b", 5, ("x", "b"))) == ["b", "x"]


def test_a_renamed_file_without_a_hash_loses_the_md5sum() -> None:
    config = {"files": [{"path": "a", "md5sum": "m"}], "download": []}
    after = config_after(config, a_download("b", file_url="", sha256sum="FIXME"))
    assert after["files"] == [{"path": "b"}]


def test_a_file_without_a_sha256sum_keeps_its_md5sum() -> None:
    config = {"files": [{"path": "a", "md5sum": "m"}], "download": []}
    after = config_after(config, a_download("a", file_url="", sha256sum="FIXME", file_purpose="vae"))
    assert after["files"] == [{"path": "a", "md5sum": "m", "file_type": "vae"}]

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from horde_model_reference.documents import CategoryDocuments
from horde_model_reference.legacy_changes import LegacyPut, apply_legacy_changes
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, get_category_descriptor
from horde_model_reference.proposals.beta import v2_view
from horde_model_reference.proposals.problems import BackendPrefixRefused, ProposalInvalid
from horde_model_reference.proposals.v1 import normalised_v1
from horde_model_reference.strict_json import parse_json_object
from horde_model_reference.v2_format import parse_v2
from support.model_records import MD5, SHA256, a_legacy_config, a_legacy_image, a_small_legacy_record
from support.proposed_bodies import V1_BODIES

LEGACY = [name for name in MODEL_REFERENCE_CATEGORY if get_category_descriptor(name).has_legacy_format]
IMAGE = {"name": "x", "baseline": "stable diffusion 1"}
TEXT = {"name": "acme/Foo-7B", "parameters": 7_000_000_000}
NO_FILES: dict[str, Any] = {"files": [], "download": []}


def problems(category: str, body: Any) -> list[tuple[str, list[Any]]]:
    with pytest.raises(ProposalInvalid) as refused:
        normalised_v1(category, body)
    return [(item["type"], item["loc"]) for item in refused.value.details]


def message(category: str, body: Any) -> str:
    with pytest.raises(ProposalInvalid) as refused:
        normalised_v1(category, body)
    return str(refused.value.details[0]["msg"])


def test_a_complete_image_record_stays_as_it_is() -> None:
    record = a_legacy_image("x", min_bridge_version=7, features_not_supported=["loras"])
    found = normalised_v1("image_generation", record)
    assert found == record
    assert normalised_v1("image_generation", found) == found


def test_image_records_have_the_order_of_their_file() -> None:
    body = dict(reversed(list(a_legacy_image("x", min_bridge_version=7, tags=["t"]).items())))
    found = normalised_v1("image_generation", body)
    assert list(found) == [
        *("name", "baseline", "type", "inpainting", "description", "tags", "min_bridge_version", "version"),
        *("style", "nsfw", "download_all", "config", "available", "size_on_disk_bytes"),
    ]


def test_an_image_record_gets_the_legacy_spelling_of_its_baseline_and_the_defaults() -> None:
    found = normalised_v1("image_generation", {"name": "x", "baseline": "stable_diffusion_1", "junk": 1})
    assert found == {**IMAGE, "type": "ckpt", "inpainting": False, "config": NO_FILES}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("stable_diffusion_2_768", "stable diffusion 2"),
        ("stable_diffusion_2_512", "stable diffusion 2 512"),
        ("stable diffusion 2", "stable diffusion 2"),
        ("SDXL", "SDXL"),
        ("flux_1", "flux_1"),
    ],
)
def test_only_three_baselines_have_a_legacy_spelling(given: str, stored: str) -> None:
    assert normalised_v1("image_generation", {"name": "x", "baseline": given})["baseline"] == stored


def test_what_edit_forms_send_is_accepted() -> None:
    form = {"available": None, "min_bridge_version": None, "type": "ckpt", "download_all": False}
    found = normalised_v1("image_generation", {**IMAGE, **form, "inpainting": None, "config": None})
    assert found["download_all"] is False
    assert None not in found.values()
    assert "available" not in found
    clip = normalised_v1("clip", {"name": "x", "available": None, "download_all": False})
    assert clip == {"name": "x", "type": "clip", "download_all": False, "config": NO_FILES}
    text = normalised_v1("text_generation", {**TEXT, "available": None, "download_all": False})
    assert "available" not in text


def test_nulls_are_left_out_at_every_level() -> None:
    body = {
        "name": "x",
        "further": {"a": None, "b": [{"c": None}]},
        "config": {
            "files": [{"path": "a", "sha256sum": None, "md5sum": None}],
            "download": [{"file_name": "a", "file_url": None}],
            "embedded_component_hashes": None,
        },
    }
    assert normalised_v1("blip", body) == {
        "name": "x",
        "type": "blip",
        "further": {"b": [{}]},
        "config": {"files": [{"path": "a"}], "download": [{"file_name": "a", "file_path": ""}]},
    }


@pytest.mark.parametrize("category", ["blip", "controlnet"])
def test_further_fields_are_kept_but_not_in_the_config(category: str) -> None:
    config = a_legacy_config("a.ckpt", md5sum=MD5)
    config["files"][0]["directory"] = "../vae"
    config["download"][0]["mirror"] = {"a": [1]}
    body = {"name": "x", "type": {"blip": "blip"}.get(category, "control_qr"), "config": config, "my": 1.0}
    found = normalised_v1(category, {**body, "config": {**config, "junk": 1}})
    assert found["config"] == config
    assert repr(found["my"]) == "1.0"
    assert list(found) == ["name", "type", "my", "config"]


def test_further_fields_of_files_are_kept_for_images_too() -> None:
    config = a_legacy_config("a.ckpt")
    config["files"][0]["directory"] = ""
    assert normalised_v1("image_generation", {**IMAGE, "config": config})["config"] == config


@pytest.mark.parametrize(
    ("category", "default"),
    [
        ("image_generation", "ckpt"),
        ("blip", "blip"),
        ("clip", "clip"),
        ("codeformer", "CodeFormers"),
        ("esrgan", "realesrgan"),
        ("gfpgan", "gfpgan"),
        ("safety_checker", "safety_checker"),
        ("miscellaneous", "layer_diffuse"),
    ],
)
def test_each_category_has_its_type(category: str, default: str) -> None:
    assert normalised_v1(category, IMAGE)["type"] == default
    assert normalised_v1(category, {**IMAGE, "type": default})["type"] == default
    assert problems(category, {**IMAGE, "type": "x"}) == [("literal_error", ["body", "type"])]
    assert problems(category, {**IMAGE, "type": 5}) == [("string_type", ["body", "type"])]


@pytest.mark.parametrize(
    ("category", "kind"), [("clip", "coca"), ("esrgan", "esrgan"), ("controlnet", "control_hough")]
)
def test_types_of_real_records_are_accepted(category: str, kind: str) -> None:
    assert normalised_v1(category, {"name": "x", "type": kind})["type"] == kind


def test_controlnet_requires_a_type() -> None:
    assert problems("controlnet", {"name": "x"}) == [("missing", ["body", "type"])]
    assert problems("controlnet", {}) == [("missing", ["body", "type"]), ("missing", ["body", "name"])]


@pytest.mark.parametrize(
    ("change", "text"),
    [({"baseline": "nope"}, "Unknown baseline: nope"), ({"style": "nope"}, "Unknown style: nope")],
)
def test_images_that_v2_could_not_hold_are_refused(change: dict[str, str], text: str) -> None:
    assert text in message("image_generation", {**IMAGE, **change})
    assert problems("image_generation", {**IMAGE, **change}) == [("value_error", ["body"])]


def test_an_image_requires_a_baseline() -> None:
    assert problems("image_generation", {"name": "x"}) == [("missing", ["body", "baseline"])]


def test_showcases_on_huggingface_are_refused() -> None:
    body = {**IMAGE, "showcases": ["https://huggingface.co/x.png"]}
    assert problems("image_generation", body) == [("value_error", ["body", "showcases"])]
    assert "huggingface" in message("image_generation", body)


@pytest.mark.parametrize("category", ["blip", "image_generation", "text_generation"])
@pytest.mark.parametrize(
    ("config", "location"),
    [
        ("x", ["config"]),
        ([], ["config"]),
        ({"files": {}}, ["config", "files"]),
        ({"download": "x"}, ["config", "download"]),
        ({"files": [5]}, ["config", "files", 0]),
        ({"files": [{"sha256sum": "x"}]}, ["config", "files", 0, "path"]),
        ({"download": [{"file_url": "x"}]}, ["config", "download", 0, "file_name"]),
        ({"files": [{"path": "a", "md5sum": 5}]}, ["config", "files", 0, "md5sum"]),
    ],
)
def test_a_malformed_config_is_refused(category: str, config: Any, location: list[Any]) -> None:
    body = {**IMAGE, "parameters": 7, "config": config}
    assert [found for _, found in problems(category, body)] == [["body", *location]]


@pytest.mark.parametrize("name", ["", "  ", "\t", "a\\b", "a\nb"])
@pytest.mark.parametrize("category", LEGACY)
def test_names_that_no_model_can_have_are_refused(category: str, name: str) -> None:
    body = {"name": name, "baseline": "infer", "parameters": 7}
    body |= {"type": "control_qr"} if category == "controlnet" else {}
    assert problems(category, body) == [("value_error", ["body", "name"])]


def test_a_hash_beside_the_url_becomes_that_of_the_file() -> None:
    download = {"file_name": "a.ckpt", "file_path": "", "file_url": "https://h/a"}
    body = {**IMAGE, "config": {"files": [], "download": [{**download, "sha256sum": SHA256}]}}
    found = normalised_v1("image_generation", body)
    files = [{"path": "a.ckpt", "sha256sum": SHA256}]
    assert found["config"] == {"files": files, "download": [download]}
    assert v2_view("image_generation", "legacy", "x", found) == {
        **(v2_view("image_generation", "legacy", "x", normalised_v1("image_generation", IMAGE)) or {}),
        "config": {
            "download": [
                {
                    "file_name": "a.ckpt",
                    "file_url": "https://h/a",
                    "sha256sum": SHA256,
                    "known_slow_download": False,
                }
            ]
        },
    }


def test_a_hash_beside_the_url_completes_a_file_without_one() -> None:
    config = {"files": [{"path": "a"}], "download": [{"file_name": "a", "sha256sum": SHA256}]}
    found = normalised_v1("blip", {"name": "x", "config": config})
    assert found["config"]["files"] == [{"path": "a", "sha256sum": SHA256}]


def test_a_download_without_any_hash_gets_a_file_when_there_are_none() -> None:
    found = normalised_v1(
        "blip", {"name": "x", "config": {"download": [{"file_name": "a", "sha256sum": ""}]}}
    )
    assert found["config"] == {
        "files": [{"path": "a"}],
        "download": [{"file_name": "a", "file_path": ""}],
    }


def test_a_hash_beside_the_url_may_repeat_that_of_the_file_in_any_case() -> None:
    config = a_legacy_config("a")
    repeated = {**config, "download": [{**config["download"][0], "sha256sum": SHA256.upper()}]}
    assert normalised_v1("blip", {"name": "x", "config": repeated})["config"] == config


def test_a_hash_beside_the_url_that_contradicts_the_file_is_refused() -> None:
    config = a_legacy_config("a")
    config["download"][0]["sha256sum"] = "ff" * 32
    assert problems("blip", {"name": "x", "config": config}) == [
        ("value_error", ["body", "config", "download", 0, "sha256sum"])
    ]


@pytest.mark.parametrize("download", [{"file_name": "b"}, {"file_name": "a.yaml", "sha256sum": SHA256}])
def test_a_download_of_no_file_is_refused(download: dict[str, str]) -> None:
    body = {"name": "x", "config": {"files": [{"path": "a"}], "download": [download]}}
    assert problems("blip", body) == [("value_error", ["body", "config", "download", 0, "file_name"])]


def test_a_url_that_cannot_be_read_is_refused_at_its_place() -> None:
    body = {"name": "x", "config": {"download": [{"file_name": "a", "file_url": "http://[x"}]}}
    assert problems("blip", body) == [("value_error", ["body", "config", "download", 0, "file_url"])]


def test_a_text_model_is_completed_by_what_v1_adds() -> None:
    body = {**TEXT, "style": "storytelling", "tags": ["x"], "settings": {"temperature": 0.5}}
    found = normalised_v1("text_generation", body)
    wanted = {
        "name": "acme/Foo-7B",
        "model_name": "Foo-7B",
        "baseline": "",
        "parameters": 7_000_000_000,
        "description": "",
        "version": "1",
        "style": "storytelling",
        "nsfw": False,
        "display_name": "Foo 7B",
        "tags": ["7B", "storytelling", "x"],
        "settings": {"temperature": 0.5},
    }
    assert found == wanted
    assert list(found) == list(wanted)
    assert normalised_v1("text_generation", found) == found


def test_text_fields_that_only_v2_shows_are_kept_when_they_are_written() -> None:
    own = {"text_model_group": "Chosen", "name_schema_exception": "old"}
    assert normalised_v1("text_generation", {**TEXT, **own}).items() >= own.items()
    assert not own.keys() & normalised_v1("text_generation", TEXT).keys()


def test_text_fields_that_an_entry_cannot_hold_are_dropped() -> None:
    body = {**TEXT, "type": "x", "model_name": "other", "further": 1, "config": NO_FILES}
    assert normalised_v1("text_generation", body) == normalised_v1("text_generation", TEXT)


@pytest.mark.parametrize("given", [7, "7", 7.9, "7e0"])
def test_parameters_are_stored_as_a_whole_number(given: Any) -> None:
    assert normalised_v1("text_generation", {"name": "x", "parameters": given})["parameters"] == 7


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"parameters": None}, "missing", "parameters"),
        ({"parameters": 0}, "value_error", "parameters"),
        ({"parameters": "x"}, "value_error", "parameters"),
        ({"settings": {"no_such": 1}}, "value_error", "settings"),
        ({"settings": {"top_k": None}}, "value_error", "settings"),
        ({"tags": ["a,b"]}, "value_error", "tags"),
        ({"name": "https://x"}, "value_error", "name"),
        ({"name": "a/b/c"}, "value_error", "name"),
        ({"nsfw": "perhaps"}, "bool_parsing", "nsfw"),
    ],
)
def test_text_models_that_applying_would_refuse_are_refused(
    change: dict[str, Any], kind: str, field: str
) -> None:
    (found,) = problems("text_generation", {**TEXT, **change})
    assert (found[0], found[1][:2]) == (kind, ["body", field])


def test_wrong_parameters_are_refused_with_the_model() -> None:
    text = message("text_generation", {**TEXT, "parameters": -1})
    assert "'acme/Foo-7B'" in text
    assert "parameters" in text


@pytest.mark.parametrize("name", ["aphrodite/Some/Model-7B", "koboldcpp/Model-7B"])
def test_a_text_model_with_a_backend_prefix_is_refused(name: str) -> None:
    with pytest.raises(BackendPrefixRefused, match="backend prefix"):
        normalised_v1("text_generation", {"name": name, "parameters": 7})


@pytest.mark.parametrize("style", ["a, b", "generalist", " x "])
def test_a_style_among_the_tags_is_recognised(style: str) -> None:
    first = normalised_v1("text_generation", {**TEXT, "style": style, "tags": [style, "z"]})
    assert first["tags"] == sorted(["7B", style, "z"])
    assert normalised_v1("text_generation", first) == first


def test_a_small_record_stays_as_it_is() -> None:
    record = a_small_legacy_record("x")
    found = normalised_v1("esrgan", record)
    assert found == record
    assert list(found) == list(record)


@given(V1_BODIES, st.sampled_from(LEGACY))
def test_what_is_accepted_can_be_applied_and_shown(body: dict[str, Any], category: str) -> None:
    try:
        payload = normalised_v1(category, body)
    except (ProposalInvalid, BackendPrefixRefused):
        event("refused")
        return
    event("accepted")
    assert normalised_v1(category, payload) == payload
    name = payload["name"]
    empty = CategoryDocuments(v2=b"{}")
    after = apply_legacy_changes(category, empty, [LegacyPut(name, payload)], now=1, author="7")
    shown = parse_json_object(after.legacy or b"")[name]
    hidden = {"text_model_group", "name_schema_exception"} if category == "text_generation" else set[str]()
    assert list(shown.items()) == [item for item in payload.items() if item[0] not in hidden]
    stored = parse_v2(after.v2)[name]
    previewed = v2_view(category, "legacy", name, payload) or {}
    assert {**previewed, "metadata": 0} == {**stored, "metadata": 0}

import time
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from horde_model_reference.change_renderer import apply_changes
from horde_model_reference.documents import CategoryDocuments, Create
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, get_category_descriptor
from horde_model_reference.proposals.problems import BackendPrefixRefused, ProposalInvalid
from horde_model_reference.proposals.v2 import normalised_v2
from horde_model_reference.v2_format import parse_v2
from support.proposed_bodies import V2_BODIES

EMPTY = CategoryDocuments(v2=b"{}")
IMAGE = {"name": "x", "baseline": "stable_diffusion_1", "nsfw": False}


def problems(category: str, body: Any) -> list[tuple[str, list[Any]]]:
    with pytest.raises(ProposalInvalid) as refused:
        normalised_v2(category, body)
    return [(item["type"], item["loc"]) for item in refused.value.details]


def message(category: str, body: Any) -> str:
    with pytest.raises(ProposalInvalid) as refused:
        normalised_v2(category, body)
    (found,) = refused.value.details
    return str(found["msg"])


def test_the_payload_is_that_of_the_contract_in_the_order_of_the_contract() -> None:
    body = {
        "name": "my_finetune_xl",
        "baseline": "stable_diffusion_xl",
        "nsfw": False,
        "description": "d",
        "config": {
            "download": [{"file_name": "my.safetensors", "file_url": "https://e.com/my", "sha256sum": "abc"}]
        },
    }
    wanted = {
        "record_type": "image_generation",
        "name": "my_finetune_xl",
        "description": "d",
        "metadata": {"schema_version": "2.0.0"},
        "config": {
            "download": [{"file_name": "my.safetensors", "file_url": "https://e.com/my", "sha256sum": "abc"}]
        },
        "model_classification": {"domain": "image", "purpose": "generation"},
        "inpainting": False,
        "baseline": "stable_diffusion_xl",
        "tags": [],
        "showcases": [],
        "trigger": [],
        "nsfw": False,
    }
    found = normalised_v2("image_generation", body)
    assert found == wanted
    assert list(found) == list(wanted)


@pytest.mark.parametrize("category", list(MODEL_REFERENCE_CATEGORY))
def test_every_category_takes_a_record_with_what_it_requires_only(category: str) -> None:
    body = {"name": "x", "baseline": "infer", "nsfw": False, "parameters": 7}
    found = normalised_v2(category, body)
    assert found["record_type"] == category
    purpose = get_category_descriptor(category).purpose
    assert found["model_classification"]["purpose"] == purpose
    assert type(found["model_classification"]["purpose"]) is str
    assert None not in found.values()


def test_values_are_converted_and_unknown_fields_dropped() -> None:
    body = {
        **IMAGE,
        "nsfw": "yes",
        "size_on_disk_bytes": "12",
        "style": " anime ",
        "tags": [" a "],
        "trigger": None,
        "no_such_field": {"a": 1},
        "config": {"download": [{"file_name": "a", "file_url": "", "x": 1}], "y": 1},
    }
    found = normalised_v2("image_generation", body)
    assert (found["nsfw"], found["size_on_disk_bytes"], found["style"]) == (True, 12, "anime")
    assert (found["tags"], found["trigger"]) == (["a"], [])
    assert "no_such_field" not in found
    assert found["config"] == {"download": [{"file_name": "a", "file_url": "", "sha256sum": "FIXME"}]}


@pytest.mark.parametrize("baseline", ["SDXL", "stable diffusion 1.4", "qwen", "flux_1"])
def test_a_known_baseline_is_queued_as_it_was_written(baseline: str) -> None:
    assert normalised_v2("image_generation", {**IMAGE, "baseline": baseline})["baseline"] == baseline


def test_who_made_the_record_is_not_for_the_client_to_say() -> None:
    stamps = {"created_at": 5, "created_by": "me", "updated_at": "x", "updated_by": 7}
    found = normalised_v2("clip", {"name": "x", "metadata": {**stamps, "schema_version": "1.0.0"}})
    assert found["metadata"] == {"schema_version": "2.0.0"}


def test_what_is_missing_is_listed_completely() -> None:
    assert problems("image_generation", {"name": "x"}) == [
        ("missing", ["body", "baseline"]),
        ("missing", ["body", "nsfw"]),
    ]
    assert problems("text_generation", {"name": "x"}) == [("missing", ["body", "parameters"])]
    assert problems("clip", {}) == [("missing", ["body", "name"])]


def test_a_missing_field_shows_the_object_that_lacks_it() -> None:
    body = {"name": "x", "config": {"download": [{"file_name": "a"}]}}
    with pytest.raises(ProposalInvalid) as refused:
        normalised_v2("clip", body)
    assert refused.value.details == [
        {
            "type": "missing",
            "loc": ["body", "config", "download", 0, "file_url"],
            "msg": "Field required",
            "input": {"file_name": "a"},
        }
    ]


@pytest.mark.parametrize(
    ("change", "text"),
    [({"baseline": "nope"}, "Unknown baseline: nope"), ({"style": " weird "}, "Unknown style: weird")],
)
def test_an_unknown_baseline_or_style_is_a_problem_of_the_whole_body(
    change: dict[str, str], text: str
) -> None:
    with pytest.raises(ProposalInvalid) as refused:
        normalised_v2("image_generation", {**IMAGE, **change})
    assert refused.value.details == [
        {
            "type": "value_error",
            "loc": ["body"],
            "msg": f"Value error, {text}",
            "input": {**IMAGE, **change},
            "ctx": {"error": {}},
        }
    ]


@pytest.mark.parametrize("name", ["", "   ", "\t", "a\\b", "a\nb", "a\x00", "\x7f", "a\x85"])
@pytest.mark.parametrize("category", ["clip", "text_generation"])
def test_names_that_no_model_can_have_are_refused(category: str, name: str) -> None:
    assert problems(category, {"name": name, "parameters": 7}) == [("value_error", ["body", "name"])]


def test_a_name_with_a_backslash_is_refused_with_both() -> None:
    text = message("clip", {"name": "a\\b"})
    assert "backslash" in text
    assert "a\\\\b" in text


def test_a_name_that_is_no_text_is_refused() -> None:
    assert problems("clip", {"name": 5}) == [("string_type", ["body", "name"])]
    assert problems("text_generation", {"name": 5, "parameters": 7}) == [("string_type", ["body", "name"])]


@pytest.mark.parametrize("name", [" x ", "ViT-L/14", "a/../b", ".", "x" * 10_000, "é🦙", "aphrodite/x"])
def test_other_names_are_free(name: str) -> None:
    assert normalised_v2("clip", {"name": name})["name"] == name


@pytest.mark.parametrize(
    ("change", "location"),
    [
        ({"record_type": "esrgan"}, ["record_type"]),
        ({"record_type": "banana"}, ["record_type"]),
        ({"model_classification": {"domain": "text", "purpose": "generation"}}, ["model_classification"]),
        ({"model_classification": "image"}, ["model_classification"]),
    ],
)
def test_a_contradiction_to_the_category_is_refused(change: dict[str, Any], location: list[str]) -> None:
    (found,) = problems("clip", {"name": "x", **change})
    assert found[1] == ["body", *location]


def test_what_the_category_says_may_be_repeated() -> None:
    body = {
        "name": "x",
        "record_type": "clip",
        "model_classification": {"domain": "image", "purpose": "feature_extractor"},
    }
    assert normalised_v2("clip", body) == normalised_v2("clip", {"name": "x"})


def test_files_that_v1_could_not_tell_apart_are_refused() -> None:
    download = {"file_name": "a", "file_url": ""}
    body = {"name": "x", "config": {"download": [download, download]}}
    assert problems("clip", body) == [("value_error", ["body", "config", "download", 1, "file_name"])]


def test_null_for_something_required_is_the_same_as_nothing() -> None:
    body = {**IMAGE, "nsfw": None}
    assert problems("image_generation", body) == [("missing", ["body", "nsfw"])]


@pytest.mark.parametrize(
    "name", ["aphrodite/Some/Model-7B", "koboldcpp/Model-7B", "aphrodite/", "koboldcpp/a://b"]
)
def test_a_text_model_with_a_backend_prefix_is_refused(name: str) -> None:
    with pytest.raises(BackendPrefixRefused, match="backend prefix"):
        normalised_v2("text_generation", {"name": name, "parameters": 7})


def test_an_invalid_record_is_invalid_before_its_prefix_is_looked_at() -> None:
    assert problems("text_generation", {"name": "aphrodite/x"}) == [("missing", ["body", "parameters"])]


@pytest.mark.parametrize("name", ["https://x", "a/b/c", " x", "x "])
def test_names_that_v1_could_not_show_are_refused_for_text_models(name: str) -> None:
    body = {"name": name, "parameters": 7}
    assert problems("text_generation", body) == [("value_error", ["body", "name"])]


def test_the_group_of_a_text_model_is_computed_unless_it_is_given() -> None:
    body = {"name": "Author/My-Model-7B", "parameters": 7}
    assert normalised_v2("text_generation", body)["text_model_group"] == "My-Model"
    chosen = {**body, "text_model_group": "Chosen"}
    assert normalised_v2("text_generation", chosen)["text_model_group"] == "Chosen"


@pytest.mark.parametrize(
    ("fields", "location"),
    [
        ({"parameters": -1}, ["parameters"]),
        ({"parameters": "seven"}, ["parameters"]),
        ({"parameters_count": 0}, ["parameters"]),
        ({"parameters": 7, "settings": {"no_such": 1}}, ["settings"]),
        ({"parameters": 7, "settings": {"top_k": {}}}, ["settings", "top_k"]),
        ({"parameters": 7, "settings": "{"}, ["settings"]),
        ({"parameters": 7, "tags": ["a,b"]}, ["tags"]),
        ({"parameters": 7, "tags": 7}, ["tags"]),
    ],
)
def test_fields_of_text_models_that_applying_would_refuse_are_refused(
    fields: dict[str, Any], location: list[str]
) -> None:
    body = {"name": "acme/Foo", **fields}
    assert problems("text_generation", body) == [("value_error", ["body", *location])]
    assert "'acme/Foo'" in message("text_generation", body)


def test_wrong_parameters_are_refused_by_name() -> None:
    assert "parameters" in message("text_generation", {"name": "Foo", "parameters": 0})


def test_wrong_settings_are_listed_with_the_allowed_ones() -> None:
    text = message("text_generation", {"name": "Foo", "parameters": 7, "settings": {"b_a": 1, "a_b": 1}})
    assert "a_b, b_a" in text
    assert "dynatemp_exponent" in text


def test_the_fields_of_text_models_may_be_written_in_several_ways() -> None:
    body = {"name": "Foo", "parameters_count": "7e9", "tags": "b, a", "settings": '{"top_k": 1}'}
    found = normalised_v2("text_generation", body)
    assert (found["parameters"], found["tags"]) == (7_000_000_000, ["b", "a"])
    assert found["settings"] == {"top_k": 1}
    assert "parameters_count" not in found


def test_problems_with_fields_and_name_are_listed_together() -> None:
    body = {"name": " ", "parameters": 0, "tags": 7, "description": 5}
    assert {tuple(location) for _, location in problems("text_generation", body)} == {
        ("body", "name"),
        ("body", "parameters"),
        ("body", "tags"),
        ("body", "description"),
    }


@given(V2_BODIES, st.sampled_from(list(MODEL_REFERENCE_CATEGORY)))
def test_what_is_accepted_can_be_applied_and_is_its_own_normal_form(
    body: dict[str, Any], category: str
) -> None:
    try:
        payload = normalised_v2(category, body)
    except (ProposalInvalid, BackendPrefixRefused):
        event("refused")
        return
    event("accepted")
    assert normalised_v2(category, payload) == payload
    name = payload["name"]
    after = apply_changes(category, EMPTY, [Create(name, payload)], now=1, author="7")
    stored = parse_v2(after.v2)[name]
    stamps = {"created_at": 1, "updated_at": 1, "created_by": "7"}
    assert stored["metadata"] == {"schema_version": "2.0.0", **stamps}
    ignored = {"metadata", "baseline"}
    assert {key: value for key, value in stored.items() if value is not None and key not in ignored} == {
        key: value for key, value in payload.items() if key not in ignored
    }


def test_an_ordinary_proposal_is_checked_quickly() -> None:
    body = {**IMAGE, "config": {"download": [{"file_name": f"f{i}", "file_url": ""} for i in range(10)]}}
    normalised_v2("image_generation", body)
    start = time.process_time()
    for _ in range(100):
        normalised_v2("image_generation", body)
    assert time.process_time() - start < 1  # 10 ms each, ten times of what it takes

import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from horde_model_reference.category_import import import_source
from horde_model_reference.meta_consts import (
    CATEGORIES,
    KNOWN_IMAGE_GENERATION_BASELINE,
    MODEL_DOMAIN,
    MODEL_PURPOSE,
    CategoryDescriptor,
    register_category,
)
from horde_model_reference.model_consts.image import IMAGE_BASELINES, BaselineDescriptor
from horde_model_reference.model_reference_records import (
    MODEL_RECORD_TYPE_LOOKUP,
    DownloadRecord,
    GenericModelRecord,
    ImageGenerationModelRecord,
    LoraModelRecord,
    TextGenerationModelRecord,
    get_default_config,
    register_record_type,
)
from horde_model_reference.record_building import build_records, named_by_key
from horde_model_reference.settings import ai_horde_ci_settings
from support.reference_data import SHARED, requires_shared


def an_image(name: str = "a", **fields: object) -> dict[str, Any]:
    return {"name": name, "baseline": "stable_diffusion_1", "nsfw": False, **fields}


def without(record: dict[str, Any], field: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != field}


def image(records: dict[str, GenericModelRecord], name: str) -> ImageGenerationModelRecord:
    record = records[name]
    assert isinstance(record, ImageGenerationModelRecord)
    return record


@pytest.fixture
def strict_fields() -> Iterator[None]:
    """AI_HORDE_TESTING, as the environment would say."""
    ai_horde_ci_settings.ai_horde_testing = True
    yield
    ai_horde_ci_settings.ai_horde_testing = False


def test_every_record_is_of_the_class_of_its_category() -> None:
    built = build_records("text_generation", {"x": {"name": "x", "parameters": 3}})
    assert isinstance(built.records["x"], TextGenerationModelRecord)
    assert built.records["x"].parameters_count == 3
    assert built.rejected == ()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (without(an_image(), "nsfw"), "nsfw: Field required"),
        (without(an_image(), "name"), "name: Field required"),
        (an_image(config={"download": [{"file_name": "x"}]}), "config.download.0.file_url: Field required"),
        (an_image(tags="x"), "tags: Input should be a valid list"),
        (an_image(requirements={"a": {"b": 1}}), "requirements: 'a' must be a number, a string, a boolean"),
        ([], "Input should be a valid dictionary or instance of ImageGenerationModelRecord"),
        (None, "Input should be a valid dictionary or instance of ImageGenerationModelRecord"),
    ],
)
def test_a_bad_record_costs_only_itself(bad: object, reason: str) -> None:
    built = build_records("image_generation", {"bad": bad, "good": an_image("good")})
    assert list(built.records) == ["good"]
    ((key, why),) = built.rejected
    assert (key, why.startswith(reason)) == ("bad", True), why


def test_strictly_the_first_bad_record_is_raised() -> None:
    value = {"good": an_image("good"), "bad": without(an_image(), "nsfw"), "worse": {}}
    with pytest.raises(ValidationError, match="nsfw"):
        build_records("image_generation", value, strict=True)


def test_a_rejected_record_is_logged_once_for_each_reason(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        build_records("image_generation", {"logged\nonce": without(an_image(), "nsfw")})
    build_records("image_generation", {"logged\nonce": without(an_image(), "baseline")})
    start = "image_generation: the record 'logged\\nonce' is left out: "
    assert caplog.messages == [f"{start}nsfw: Field required", f"{start}baseline: Field required"]


def test_a_reason_is_one_line_whatever_the_record_holds() -> None:
    stored = {"name": "x", "parameters": 1, "config": {"embedded_component_hashes": {"a\nb": 5}}}
    ((_, reason),) = build_records("text_generation", {"x": stored}).rejected
    assert reason == "'config.embedded_component_hashes.a\\nb: Input should be a valid string'"


def test_names_that_are_not_known_yet_stay_as_they_are() -> None:
    future = an_image(baseline="baseline_of_2031", style=" style_of_2031 ")
    record = image(build_records("image_generation", {"a": future}).records, "a")
    assert (record.baseline, record.style) == ("baseline_of_2031", "style_of_2031")
    with pytest.raises(ValueError, match="baseline_of_2031"):
        KNOWN_IMAGE_GENERATION_BASELINE(record.baseline)


def test_a_known_baseline_has_its_canonical_name() -> None:
    record = image(build_records("image_generation", {"a": an_image(baseline="SDXL")}).records, "a")
    assert record.baseline == "stable_diffusion_xl"
    assert KNOWN_IMAGE_GENERATION_BASELINE(record.baseline).name == "stable_diffusion_xl"


@pytest.mark.parametrize("unknown", [{"baseline": "baseline_of_2031"}, {"style": "style_of_2031"}])
def test_who_builds_a_record_himself_may_only_use_known_names(unknown: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="_of_2031"):
        ImageGenerationModelRecord(**{"name": "a", "baseline": "flux_1", "nsfw": False, **unknown})
    with pytest.raises(ValidationError, match="_of_2031"):
        ImageGenerationModelRecord.model_validate(an_image(**unknown), context={"unknown names": "keep"})


def test_a_registered_baseline_is_known_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IMAGE_BASELINES, "_descriptors", IMAGE_BASELINES.all())
    IMAGE_BASELINES.register("of_mine", BaselineDescriptor(768, ("mine",)))
    assert ImageGenerationModelRecord(name="a", baseline="mine", nsfw=False).baseline == "of_mine"


def test_the_keys_are_the_names_of_the_records() -> None:
    built = build_records("controlnet", {"control_qr_sdxl": {"name": "control_qr_xl"}})
    assert list(built.records) == ["control_qr_xl"]


def test_of_two_records_with_one_name_that_with_its_own_key_wins() -> None:
    stored = {
        "x": {"name": "one", "description": "first"},
        "one": {"name": "one", "description": "own key"},
        "y": {"name": "one"},
        "z": {"name": "two", "description": "first"},
        "q": {"name": "two"},
    }
    built = build_records("esrgan", stored)
    assert {name: record.description for name, record in built.records.items()} == {
        "one": "own key",
        "two": "first",
    }
    reason = "another record has its name"
    assert built.rejected == (("x", reason), ("y", reason), ("q", reason))


def test_null_counts_as_absent_where_it_is_not_allowed() -> None:
    stored = {
        "name": "x",
        "parameters": 1,
        "nsfw": None,
        "metadata": None,
        "config": {"download": [{"file_name": "f", "file_url": "u", "sha256sum": None}]},
    }
    record = build_records("text_generation", {"x": stored}).records["x"]
    assert isinstance(record, TextGenerationModelRecord)
    assert (record.nsfw, record.metadata.schema_version) == (False, "2.0.0")
    assert record.config.download[0].sha256sum == "FIXME"


def test_lists_of_an_image_model_are_never_null() -> None:
    record = image(build_records("image_generation", {"a": an_image(tags=None, trigger=None)}).records, "a")
    assert (record.tags, record.trigger, record.showcases) == ([], [], [])


def test_a_field_that_nobody_knows_is_ignored() -> None:
    stored = an_image(of_2031=1, config={"download": [], "of_2031": 2})
    assert not hasattr(build_records("image_generation", {"a": stored}).records["a"], "of_2031")


@pytest.mark.parametrize(
    ("stored", "path"),
    [
        (an_image(of_2031=1), "of_2031"),
        (an_image(config={"of_2031": 1}), "config.of_2031"),
        (
            an_image(config={"download": [{"file_name": "a", "file_url": "u", "of_2031": 1}]}),
            "config.download.0.of_2031",
        ),
    ],
)
@pytest.mark.usefixtures("strict_fields")
def test_it_makes_the_record_invalid_while_the_ai_horde_is_tested(stored: dict[str, Any], path: str) -> None:
    built = build_records("image_generation", {"bad": stored, "good": an_image("good")})
    assert list(built.records) == ["good"]
    assert built.rejected == (("bad", f"{path}: Extra inputs are not permitted"),)
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        build_records("image_generation", {"bad": stored}, strict=True)


@pytest.mark.usefixtures("strict_fields")
def test_both_names_of_a_field_and_free_objects_are_known_then() -> None:
    stored = {
        "x": {"name": "x", "parameters": 1, "settings": {"anything": 1}},
        "y": {"name": "y", "parameters_count": 1, "config": {"embedded_component_hashes": {"vae": "1"}}},
    }
    assert build_records("text_generation", stored).rejected == ()


def test_a_registered_category_has_generic_records_that_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CATEGORIES, "_descriptors", CATEGORIES.all())
    descriptor = CategoryDescriptor(MODEL_DOMAIN.image, MODEL_PURPOSE.post_processing, "upscaler.json")
    register_category("upscaler", descriptor)
    record = build_records("upscaler", {"x": {"name": "x"}}).records["x"]
    assert type(record) is GenericModelRecord
    assert (record.record_type, record.category) == ("upscaler", None)
    assert record.model_classification == descriptor.classification


def test_a_record_of_no_category_must_say_everything_itself() -> None:
    whole = {
        "name": "x",
        "record_type": "mine",
        "model_classification": {"domain": "image", "purpose": "generation"},
    }
    built = build_records("mine", {"x": whole, "y": {"name": "y"}})
    assert list(built.records) == ["x"]


def test_a_registered_class_is_built_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODEL_RECORD_TYPE_LOOKUP, "lora", LoraModelRecord)

    @register_record_type("lora")
    class CivitaiLora(LoraModelRecord):
        model_config = get_default_config()
        civitai_id: int

    built = build_records("lora", {"x": {"name": "x", "civitai_id": 5}, "y": {"name": "y"}})
    record = built.records["x"]
    assert isinstance(record, CivitaiLora)
    assert (record.civitai_id, record.record_type) == (5, "lora")
    assert [key for key, _ in built.rejected] == ["y"]


def test_built_records_can_be_pickled_copied_and_changed() -> None:
    record = image(build_records("image_generation", {"a": an_image()}).records, "a")
    copy = record.model_copy(deep=True)
    assert pickle.loads(pickle.dumps(record)) == record == copy  # noqa: S301 - our own bytes
    copy.tags.append("changed")
    copy.baseline = "anything"
    assert (record.tags, record.baseline) == ([], "stable_diffusion_1")


def test_two_records_share_no_part_that_can_be_changed() -> None:
    built = build_records("image_generation", {name: an_image(name) for name in "ab"})
    one, other = image(built.records, "a"), image(built.records, "b")
    one.config.download.append(DownloadRecord(file_name="x", file_url=""))
    one.metadata.updated_at = 1
    assert (other.config.download, other.metadata.updated_at) == ([], None)


def test_names_come_from_the_keys_where_they_are_missing() -> None:
    assert named_by_key({"a": {"name": None, "x": 1}, "b": {}, "c": {"name": "d"}, "e": 5}) == {
        "a": {"name": "a", "x": 1},
        "b": {"name": "b"},
        "c": {"name": "d"},
        "e": 5,
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
odd_fields = st.dictionaries(st.sampled_from(sorted(ImageGenerationModelRecord.model_fields)), json_values)


@given(st.dictionaries(st.text(min_size=1), odd_fields.map(lambda fields: an_image("x") | fields)))
def test_whatever_a_server_sends_every_key_is_built_or_rejected(value: dict[str, dict[str, Any]]) -> None:
    built = build_records("image_generation", value)
    assert len(built.records) + len(built.rejected) == len(value)
    assert {key for key, _ in built.rejected} <= set(value)
    assert all(name == record.name for name, record in built.records.items())


@requires_shared
@pytest.mark.parametrize(
    ("category", "folder"),
    [("text_generation", "text"), ("image_generation", "image"), ("controlnet", "image")],
)
def test_all_of_the_real_data_can_be_built(category: str, folder: str) -> None:
    sources = {
        path.name: path.read_bytes() for path in (SHARED / "data" / folder).iterdir() if path.is_file()
    }
    body = import_source(category, sources, now=1, previous=None).documents.v2
    built = build_records(category, json.loads(body))
    assert built.rejected == ()
    assert len(built.records) == len(json.loads(body))

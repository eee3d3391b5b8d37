import pytest

from horde_model_reference.meta_consts import KNOWN_IMAGE_GENERATION_BASELINE
from horde_model_reference.model_reference_records import ClipModelRecord, VideoGenerationModelRecord
from horde_model_reference.query import build_controlnet_query, build_query, build_text_query
from support.queried_records import (
    a_clip_model,
    a_controlnet_model,
    a_query,
    a_text_model,
    an_image_model,
    names,
)

PLAIN = an_image_model("plain", inpainting=None)
ANIME = an_image_model("anime", tags=["anime", "booru"], nsfw=True)
MANGA = an_image_model("manga", tags=["anime", "manga"], inpainting=True, baseline="flux_1")
IMAGES = a_query(PLAIN, ANIME, MANGA)

TEXT_NAMES = ("Org/Foo-7B", "koboldcpp/Foo-7B", "aphrodite/Org/Foo-13B-GPTQ", "Bar-Q4_K_M", "Mixtral-8x22B")
TEXTS = build_text_query(
    {name: a_text_model(name) for name in TEXT_NAMES} | {"z": a_text_model("z", text_model_group="Bar")}
)


def test_image_models_are_chosen_by_what_they_are_for() -> None:
    assert names(IMAGES.only_nsfw().to_list()) == ["anime"]
    assert names(IMAGES.exclude_nsfw().to_list()) == ["plain", "manga"]
    assert names(IMAGES.only_inpainting().to_list()) == ["manga"]
    assert names(IMAGES.exclude_inpainting().to_list()) == ["plain", "anime"]


@pytest.mark.parametrize("baseline", ["flux_1", KNOWN_IMAGE_GENERATION_BASELINE.flux_1])
def test_image_models_are_chosen_by_baseline(baseline: str) -> None:
    assert names(IMAGES.for_baseline(baseline).to_list()) == ["manga"]


@pytest.mark.parametrize(
    ("tags", "any_of", "all_of", "none_of"),
    [
        (["anime"], ["anime", "manga"], ["anime", "manga"], ["plain"]),
        ({"booru", "manga"}, ["anime", "manga"], [], ["plain"]),
        (["anime", "manga"], ["anime", "manga"], ["manga"], ["plain"]),
        (iter(["other"]), [], [], ["plain", "anime", "manga"]),
        ([], [], ["anime", "manga"], ["plain", "anime", "manga"]),
    ],
)
def test_tags_choose(tags: object, any_of: list[str], all_of: list[str], none_of: list[str]) -> None:
    wanted = list(tags)  # type: ignore[call-overload]
    assert names(IMAGES.tags_any(iter(wanted)).to_list()) == any_of
    assert names(IMAGES.tags_all(iter(wanted)).to_list()) == all_of
    assert names(IMAGES.tags_none(iter(wanted)).to_list()) == none_of


def test_tags_that_are_null_are_none() -> None:
    record = VideoGenerationModelRecord(name="v")
    query = build_query({"v": record}, VideoGenerationModelRecord)
    assert (query.tags_any(["x"]).count(), query.tags_all([]).count(), query.tags_none(["x"]).count()) == (
        0,
        0,
        1,
    )


@pytest.mark.parametrize("step", ["tags_any", "tags_all", "tags_none"])
def test_records_without_the_field_have_no_tags_to_ask_for(step: str) -> None:
    clips = build_query({"clip": a_clip_model("clip")}, ClipModelRecord)
    with pytest.raises(ValueError, match="ClipModelRecord has no field 'tags'"):
        getattr(clips, step)(["x"])
    with pytest.raises(ValueError, match="not the text 'anime'"):
        getattr(IMAGES, step)("anime")


def test_text_models_are_chosen_by_backend() -> None:
    assert names(TEXTS.for_backend("koboldcpp").to_list()) == ["koboldcpp/Foo-7B"]
    assert names(TEXTS.for_backend("aphrodite").to_list()) == ["aphrodite/Org/Foo-13B-GPTQ"]
    assert names(TEXTS.exclude_backend_variations().to_list()) == [
        "Org/Foo-7B",
        "Bar-Q4_K_M",
        "Mixtral-8x22B",
        "z",
    ]
    with pytest.raises(ValueError, match="'vllm' is none of aphrodite, koboldcpp"):
        TEXTS.for_backend("vllm")


def test_text_models_are_chosen_by_quantisation() -> None:
    assert names(TEXTS.only_quantized().to_list()) == ["aphrodite/Org/Foo-13B-GPTQ", "Bar-Q4_K_M"]
    assert names(TEXTS.exclude_quantized().to_list()) == [
        "Org/Foo-7B",
        "koboldcpp/Foo-7B",
        "Mixtral-8x22B",
        "z",
    ]


def test_text_models_are_grouped_by_the_stored_group_or_that_of_the_name() -> None:
    groups = TEXTS.group_by_base_model()
    assert {group: names(records) for group, records in groups.items()} == {
        "Foo": ["Org/Foo-7B", "koboldcpp/Foo-7B", "aphrodite/Org/Foo-13B-GPTQ"],
        "Bar": ["Bar-Q4_K_M", "z"],
        "Mixtral-8x2": ["Mixtral-8x22B"],
    }


def test_controlnet_models_are_chosen_and_grouped_by_style() -> None:
    canny = a_controlnet_model("canny", controlnet_style="control_canny")
    other = a_controlnet_model("other", controlnet_style="control_new")
    query = build_controlnet_query({"canny": canny, "other": other, "none": a_controlnet_model("none")})
    assert query.for_style("control_canny").to_list() == [canny]
    assert query.group_by_style() == {"control_canny": [canny], "control_new": [other]}

import pytest

from horde_model_reference import meta_consts
from horde_model_reference.meta_consts import (
    CATEGORIES,
    MODEL_CLASSIFICATION_LOOKUP,
    MODEL_REFERENCE_CATEGORY,
    CategoryDescriptor,
    ComponentKind,
    GithubSource,
    category_of_v1_name,
    get_all_registered_categories,
    get_category_descriptor,
    get_weights_marker_folders,
    register_category,
    showcase_folder_name,
)
from horde_model_reference.model_consts import image
from horde_model_reference.model_consts.image import (
    CONTROLNET_STYLE,
    KNOWN_IMAGE_GENERATION_BASELINE,
    BaselineDescriptor,
    canonical_baseline,
    get_all_registered_baselines,
    get_baseline_descriptor,
    get_baseline_native_resolution,
    get_known_tags,
    legacy_baseline,
)
from horde_model_reference.registries import DescriptorRegistry, NameRegistry
from horde_model_reference.source_consts import normalize_source_selector
from horde_model_reference.text_backend_names import (
    get_model_name_variants,
    has_legacy_text_backend_prefix,
    strip_backend_prefix,
)
from horde_model_reference.validation_policy import Severity, severity_of

IN_ORDER = [
    *("blip", "clip", "codeformer", "controlnet", "controlnet_annotator", "esrgan", "gfpgan"),
    *("safety_checker", "image_generation", "text_generation", "video_generation", "audio_generation"),
    *("miscellaneous", "lora", "ti"),
]


def test_the_categories_have_the_order_of_the_contract() -> None:
    assert [str(category) for category in MODEL_REFERENCE_CATEGORY] == IN_ORDER
    assert list(get_all_registered_categories()) == IN_ORDER


def test_the_categories_without_legacy_form_are_these_five() -> None:
    found = {name for name, item in get_all_registered_categories().items() if not item.has_legacy_format}
    assert found == {"controlnet_annotator", "video_generation", "audio_generation", "lora", "ti"}


@pytest.mark.parametrize(
    ("category", "v2_file", "legacy_file", "folder", "source"),
    [
        ("image_generation", "stable_diffusion.json", "stable_diffusion.json", "compvis", GithubSource.image),
        ("text_generation", "text_generation.json", "models.csv", None, GithubSource.text),
        ("controlnet", "controlnet.json", "controlnet.json", "controlnet", GithubSource.image),
        (
            "controlnet_annotator",
            "controlnet_annotator.json",
            "controlnet_annotator.json",
            "controlnet",
            None,
        ),
        ("lora", "lora.json", "lora.json", "lora", None),
        ("video_generation", "video_generation.json", "video_generation.json", None, None),
    ],
)
def test_a_category_knows_its_files(
    category: str, v2_file: str, legacy_file: str, folder: str | None, source: GithubSource | None
) -> None:
    item = get_category_descriptor(category)
    assert (item.filename, item.legacy_filename, item.on_disk_folder, item.github_source) == (
        *(v2_file, legacy_file, folder, source),
    )


def test_only_loras_and_inversions_are_managed_elsewhere() -> None:
    found = [
        name for name, item in get_all_registered_categories().items() if item.managed_download_elsewhere
    ]
    assert found == ["lora", "ti"]
    assert [name for name in IN_ORDER if get_category_descriptor(name).managed_elsewhere] == ["lora", "ti"]


def test_the_weights_folder_is_marked_by_two_folders() -> None:
    assert get_weights_marker_folders() == {"compvis", "clip"}


def test_members_are_texts() -> None:
    assert MODEL_REFERENCE_CATEGORY.clip == "clip"
    assert str(MODEL_REFERENCE_CATEGORY.clip) == "clip"
    assert {"clip": 1}[MODEL_REFERENCE_CATEGORY.clip] == 1
    assert list(ComponentKind) == ["vae", "text_encoders"]


def test_every_category_has_a_classification() -> None:
    found = {
        str(name): (item.domain.value, item.purpose.value)
        for name, item in MODEL_CLASSIFICATION_LOOKUP.items()
    }
    assert list(found) == IN_ORDER
    assert found["audio_generation"] == ("audio", "generation")
    assert found["clip"] == ("image", "feature_extractor")
    assert found["lora"] == ("image", "auxiliary_or_patch")


def test_an_unknown_category_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="unknown category: 'clips'"):
        get_category_descriptor("clips")


def test_a_known_category_cannot_be_registered_again() -> None:
    with pytest.raises(ValueError, match="'clip' is already registered"):
        register_category("clip", get_category_descriptor("blip"))


def test_a_new_descriptor_comes_last() -> None:
    registry = DescriptorRegistry[CategoryDescriptor]("category", CATEGORIES.all())
    registry.register("upscaler", get_category_descriptor("blip"))
    assert list(registry.all()) == [*IN_ORDER, "upscaler"]
    assert registry.is_known("upscaler")
    assert not CATEGORIES.is_known("upscaler")


def test_a_name_registry_keeps_the_order_and_each_name_once() -> None:
    registry = NameRegistry(["b", "a"])
    registry.register("c")
    registry.register("b")
    assert registry.names() == ("b", "a", "c")
    assert registry.is_known("c")
    assert not registry.is_known("C")


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("stable_diffusion", "image_generation"),
        ("stable_diffusion.json", "image_generation"),
        ("db.json", "text_generation"),
        ("clip", "clip"),
        ("clip.json", "clip"),
        ("diffusers.json", None),
        ("clip.json.json", None),
        ("models.csv", None),
        ("", None),
    ],
)
def test_v1_names_mean_categories(name: str, category: str | None) -> None:
    assert category_of_v1_name(name) == category


def test_showcase_folders_merge_no_runs() -> None:
    assert (
        showcase_folder_name("Healy's Anime  Blend 2.5\N{LATIN SMALL LETTER E WITH ACUTE}")
        == "healys_anime__blend_2_5_"
    )


def test_both_modules_offer_the_same_baselines() -> None:
    assert meta_consts.KNOWN_IMAGE_GENERATION_BASELINE is image.KNOWN_IMAGE_GENERATION_BASELINE
    assert list(get_all_registered_baselines()) == [str(item) for item in KNOWN_IMAGE_GENERATION_BASELINE]


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("SD1.5", "stable_diffusion_1"),
        ("stable diffusion 1.4", "stable_diffusion_1"),
        ("stable_diffusion", "stable_diffusion_1"),
        ("SDXL", "stable_diffusion_xl"),
        ("stable cascade", "stable_cascade"),
        ("flux schnell", "flux_schnell"),
        ("qwen-image", "qwen_image"),
        ("zimage", "z_image_turbo"),
        ("infer", "infer"),
        ("stable diffusion 2", None),
        ("sdxl", None),
        ("SDXL ", None),
        ("", None),
    ],
)
def test_alternative_names_of_baselines_are_known(given: str, canonical: str | None) -> None:
    assert canonical_baseline(given) == canonical


def test_the_native_resolution_is_known_for_canonical_names_only() -> None:
    assert get_baseline_native_resolution("stable_diffusion_2_768") == 768
    for name in ("infer", "SDXL"):
        with pytest.raises(KeyError):
            get_baseline_native_resolution(name)
    with pytest.raises(KeyError):
        get_baseline_descriptor("SDXL")
    assert get_baseline_descriptor("flux_1") == BaselineDescriptor(1024)


@pytest.mark.parametrize(
    ("canonical", "legacy"),
    [
        ("stable_diffusion_1", "stable diffusion 1"),
        ("stable_diffusion_2_768", "stable diffusion 2"),
        ("stable_diffusion_2_512", "stable diffusion 2 512"),
        ("stable_diffusion_xl", "stable_diffusion_xl"),
    ],
)
def test_only_three_baselines_have_a_legacy_spelling(canonical: str, legacy: str) -> None:
    assert legacy_baseline(canonical) == legacy


def test_the_sets_have_their_sizes() -> None:
    assert len(CONTROLNET_STYLE) == 17
    assert len(get_known_tags()) == 18


def test_unknown_values_cost_what_the_policy_says() -> None:
    assert severity_of("image_generation", "style") is Severity.error
    assert severity_of("controlnet", "controlnet_style") is Severity.warning
    assert severity_of("text_generation", "baseline") is None


@pytest.mark.parametrize(
    ("name", "variants"),
    [
        ("A/B", ["A/B", "aphrodite/A/B", "koboldcpp/B"]),
        ("B", ["B", "aphrodite/B", "koboldcpp/B"]),
        ("a/b/c", ["a/b/c", "aphrodite/a/b/c", "koboldcpp/b/c"]),
        ("koboldcpp/B", ["koboldcpp/B", "aphrodite/koboldcpp/B"]),
    ],
)
def test_a_text_model_is_known_under_the_names_of_its_back_ends(name: str, variants: list[str]) -> None:
    assert get_model_name_variants(name) == variants


def test_one_prefix_of_exact_case_is_stripped() -> None:
    assert strip_backend_prefix("aphrodite/koboldcpp/X") == "koboldcpp/X"
    assert strip_backend_prefix("Aphrodite/X") == "Aphrodite/X"
    assert has_legacy_text_backend_prefix("koboldcpp/X")
    assert not has_legacy_text_backend_prefix("koboldcpp")


@pytest.mark.parametrize(
    ("selector", "ids"),
    [("any", ("any",)), (["pending", "horde", "pending"], ("pending", "horde")), ([], ("horde",))],
)
def test_a_source_selector_is_an_ordered_set_of_ids(selector: str | list[str], ids: tuple[str, ...]) -> None:
    assert normalize_source_selector(selector) == ids

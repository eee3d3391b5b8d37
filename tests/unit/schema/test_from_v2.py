import pytest

from horde_model_reference.documents import Record
from horde_model_reference.legacy.from_v2 import fresh_legacy_record
from horde_model_reference.legacy.to_v2 import convert_legacy
from horde_model_reference.v2_format import validate_record
from support.model_records import SHA256, a_download, an_image


def fresh(category: str, record: Record) -> Record:
    return fresh_legacy_record(category, validate_record(category, "Model", record))


def test_a_new_image_record_has_the_canonical_key_order() -> None:
    record = an_image(
        description="d", version="1", style="anime", homepage="h", tags=["t"], showcases=["s"], trigger=["g"],
        optimization="lightning", min_bridge_version=3, requirements={"a": 1}, size_on_disk_bytes=5,
        features_not_supported=["loras"], inpainting=True,
    )  # fmt: skip
    assert list(fresh("image_generation", record)) == [
        *("name", "baseline", "optimization", "type", "inpainting", "description", "tags", "showcases"),
        *("min_bridge_version", "version", "style", "trigger", "homepage", "nsfw", "download_all"),
        *("requirements", "config", "features_not_supported", "size_on_disk_bytes"),
    ]


def test_a_new_image_record_has_neither_nulls_nor_empty_lists() -> None:
    assert fresh("image_generation", an_image(baseline="stable_diffusion_2_768", tags=[])) == {
        "name": "Model",
        "baseline": "stable diffusion 2",
        "type": "ckpt",
        "inpainting": False,
        "nsfw": False,
        "download_all": False,
        "config": {
            "files": [{"path": "model.ckpt", "sha256sum": SHA256}],
            "download": [{"file_name": "model.ckpt", "file_path": "", "file_url": "https://host/model.ckpt"}],
        },
    }


def test_a_file_shows_its_purpose_and_an_unknown_hash() -> None:
    item = a_download("v", file_purpose="vae", content_hash="c", sha256sum="FIXME", size_bytes=5)
    record = an_image(config={"download": [item], "embedded_component_hashes": {"vae": "e"}})
    assert fresh("image_generation", record)["config"] == {
        "files": [{"path": "v", "sha256sum": "FIXME", "file_type": "vae", "content_hash": "c"}],
        "download": [{"file_name": "v", "file_path": "", "file_url": "https://host/v"}],
        "embedded_component_hashes": {"vae": "e"},
    }


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("blip", "blip"),
        ("clip", "clip"),
        ("codeformer", "CodeFormers"),
        ("esrgan", "realesrgan"),
        ("gfpgan", "gfpgan"),
        ("safety_checker", "safety_checker"),
        ("miscellaneous", "layer_diffuse"),
    ],
)
def test_a_new_record_of_a_small_category_has_its_type(category: str, kind: str) -> None:
    found = fresh(category, {"name": "Model", "version": "1"})
    assert list(found.items()) == [
        ("name", "Model"),
        ("type", kind),
        ("version", "1"),
        ("config", {"files": [], "download": []}),
        ("available", False),
    ]


def test_the_type_of_a_new_controlnet_record_is_its_style() -> None:
    assert fresh("controlnet", {"name": "Model", "controlnet_style": "control_qr"})["type"] == "control_qr"
    assert "type" not in fresh("controlnet", {"name": "Model"})


def test_the_pretrained_name_of_a_clip_model_is_kept() -> None:
    assert fresh("clip", {"name": "Model", "pretrained_name": "p"})["pretrained_name"] == "p"


def test_a_new_record_converts_back_to_itself() -> None:
    record = an_image(
        description="d", tags=["t"], requirements={"a": [1, 2.5]}, features_not_supported=["loras"],
        config={"download": [a_download("a", file_purpose="unet"), a_download("b", file_url="")]},
    )  # fmt: skip
    legacy = fresh("image_generation", record)
    back = convert_legacy("image_generation", {"Model": legacy}).records["Model"]
    assert fresh("image_generation", back) == legacy
    for field, value in record.items():
        if field != "config":
            assert back[field] == value

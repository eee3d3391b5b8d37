import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.documents import ChangeRefused, Record, SourceUnreadable
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.v2_format import (
    RecordInvalid,
    parse_v2,
    read_valid_records,
    render_v2,
    validate_record,
)
from support.model_records import a_download, an_image

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
REQUIRED: dict[str, Record] = {
    "image_generation": {"baseline": "infer", "nsfw": True},
    "text_generation": {"parameters": 1},
}


def valid(category: str = "image_generation", **fields: object) -> Record:
    return validate_record(category, "x", {"name": "x"} | REQUIRED.get(category, {}) | fields)


def test_defaults_are_written_and_nulls_left_out() -> None:
    assert valid(description=None) == {
        "record_type": "image_generation",
        "name": "x",
        "metadata": {"schema_version": "2.0.0"},
        "config": {"download": []},
        "model_classification": {"domain": "image", "purpose": "generation"},
        "inpainting": False,
        "baseline": "infer",
        "tags": [],
        "showcases": [],
        "trigger": [],
        "nsfw": True,
    }


def test_the_keys_have_the_order_of_the_contract() -> None:
    record = valid(
        size_on_disk_bytes=1, style="anime", description="d", version="1", features_not_supported=[]
    )
    assert list(record) == [
        *("record_type", "name", "description", "version", "metadata", "config", "model_classification"),
        *("size_on_disk_bytes", "inpainting", "baseline", "tags", "showcases", "trigger", "nsfw", "style"),
        "features_not_supported",
    ]


def test_clip_records_show_that_they_are_clip_records() -> None:
    assert valid("clip")["pretrained_name"] is None
    assert valid("clip", pretrained_name="p")["pretrained_name"] == "p"


@pytest.mark.parametrize("category", list(MODEL_REFERENCE_CATEGORY))
def test_a_normal_record_is_its_own_normal_form(category: str) -> None:
    record = valid(category)
    assert validate_record(category, "x", record) == record


@pytest.mark.parametrize(
    ("given_value", "stored"), [("SDXL", "stable_diffusion_xl"), ("zimage-turbo", "z_image_turbo")]
)
def test_another_name_of_a_baseline_is_stored_as_the_canonical_one(given_value: str, stored: str) -> None:
    assert valid(baseline=given_value)["baseline"] == stored


def test_numbers_and_booleans_are_read_leniently() -> None:
    record = valid(min_bridge_version="11", nsfw="yes", size_on_disk_bytes=5.0)
    assert (record["min_bridge_version"], record["nsfw"], record["size_on_disk_bytes"]) == (11, True, 5)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"size_on_disk_bytes": 2**63}, "size_on_disk_bytes"),
        ({"requirements": {"a": [1, -(10**40)]}}, "requirements.a.1"),
        ({"config": {"download": [a_download(size_bytes=2**64)]}}, "config.download.0.size_bytes"),
    ],
)
def test_a_number_beyond_64_bits_is_refused(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(RecordInvalid) as refused:
        valid(**fields)
    assert (refused.value.path, refused.value.reason) == (path, "the number is out of range")


def test_a_float_beyond_64_bits_is_no_integer() -> None:
    with pytest.raises(RecordInvalid) as refused:
        valid(size_on_disk_bytes=1e30)
    assert refused.value.path == "size_on_disk_bytes"


@pytest.mark.parametrize("category", ["image_generation", "esrgan"])
@pytest.mark.parametrize("file_name", ["a", "", "x.Yaml.txt"])
def test_a_file_that_legacy_could_not_give_back_is_refused(category: str, file_name: str) -> None:
    record = an_image(config={"download": [a_download("a"), a_download(file_name)]})
    with pytest.raises(RecordInvalid) as refused:
        validate_record(category, "Model", record)
    assert refused.value.path == "config.download.1.file_name"


def test_files_of_a_category_without_legacy_form_may_have_any_name() -> None:
    record = {"name": "x", "config": {"download": [a_download("a.yaml"), a_download("a.yaml")]}}
    assert len(validate_record("lora", "x", record)["config"]["download"]) == 2


@pytest.mark.parametrize("value", [5, None, [], "x"])
def test_what_is_no_object_is_no_record(value: Any) -> None:
    with pytest.raises(RecordInvalid, match="is not an object"):
        validate_record("clip", "x", value)


def test_a_refusal_stands_on_one_line() -> None:
    with pytest.raises(RecordInvalid) as refused:
        valid(style="a\nb")
    assert "\n" not in f"{refused.value}{refused.value.reason}"


def test_the_valid_records_of_a_document_are_read_and_the_others_listed() -> None:
    body = (
        '{"good": {"name": "good"}, "no": 5, "twice": {"name": "a", "name": "b"},'
        ' "number": {"name": "n", "size_on_disk_bytes": 1e400}, "also": {"name": "also"}}'
    )
    found = read_valid_records("esrgan", body.encode())
    assert list(found.records) == ["good", "also"]
    assert [(item.name, item.path) for item in found.rejected] == [
        *(("no", ""), ("twice", "name"), ("number", "size_on_disk_bytes")),
    ]


def test_requirements_keep_the_form_of_their_values() -> None:
    given_values = {"a": 1, "b": 1.0, "c": True, "d": [1, 2.5], "e": [True, False], "f": ["x"], "g": []}
    stored = valid(requirements=given_values)["requirements"]
    assert repr(stored) == repr(given_values)


def test_tags_and_style_are_stripped_and_triggers_are_not() -> None:
    record = valid(tags=[" a", "b ", "a"], trigger=[" t "], showcases=[" s "], style=" anime ")
    assert (record["tags"], record["trigger"], record["showcases"]) == (["a", "b", "a"], [" t "], [" s "])
    assert record["style"] == "anime"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"baseline": "unknown"}, "baseline"),
        ({"baseline": None}, "baseline"),
        ({"nsfw": None}, "nsfw"),
        ({"style": ""}, "style"),
        ({"style": "Anime"}, "style"),
        ({"version": 1}, "version"),
        ({"name": 5}, "name"),
        ({"size_on_disk_bytes": 1.5}, "size_on_disk_bytes"),
        ({"tags": "a,b"}, "tags"),
        ({"tags": [1]}, "tags.0"),
        ({"requirements": {"a": None}}, "requirements"),
        ({"requirements": {"a": {"b": 1}}}, "requirements"),
        ({"requirements": {"a": [[1]]}}, "requirements"),
        ({"requirements": {"a": [1, "x"]}}, "requirements"),
        ({"requirements": [1]}, "requirements"),
        ({"requirements": {5: 1}}, "requirements"),
        ({"requirements": {"a": math.inf}}, "requirements.a"),
        ({"size_on_disk_bytes": 10**5000}, "size_on_disk_bytes"),
        ({"description": "\ud800"}, "description"),
        ({"requirements": {"\udfff": 1}}, "requirements.\\udfff"),
        ({"finetune_series": {}}, "finetune_series.name"),
        ({"config": []}, "config"),
        ({"config": {"download": [{"file_name": "a"}]}}, "config.download.0.file_url"),
        (
            {"config": {"download": [{"file_name": "a", "file_url": "", "sha256sum": None}]}},
            "config.download.0.sha256sum",
        ),
        ({"record_type": "clip"}, "record_type"),
        ({"model_classification": {"domain": "text", "purpose": "generation"}}, "model_classification"),
        ({"model_classification": {"domain": "x", "purpose": "generation"}}, "model_classification.domain"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_with_its_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(RecordInvalid) as caught:
        valid(**fields)
    assert caught.value.path == path
    assert path in str(caught.value)
    str(caught.value).encode()


def test_the_reason_is_in_plain_words() -> None:
    with pytest.raises(ChangeRefused, match=r"^image_generation: 'x', baseline: Unknown baseline: SD9$"):
        valid(baseline="SD9")


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(ChangeRefused, match="the category is not known"):
        validate_record("clips", "x", {"name": "x"})


def test_any_controlnet_style_is_accepted() -> None:
    assert valid("controlnet", controlnet_style="control_new")["controlnet_style"] == "control_new"


def test_text_records_use_the_key_parameters() -> None:
    record = valid("text_generation", parameters=None, parameters_count=7)
    assert record["parameters"] == 7
    assert "parameters_count" not in record


def test_a_document_is_compact_and_not_escaped() -> None:
    body = render_v2({"\N{GRINNING FACE}": {"name": "\N{LATIN SMALL LETTER E WITH ACUTE}", "n": [1, 2.0]}})
    assert body.decode() == '{"\N{GRINNING FACE}":{"name":"\N{LATIN SMALL LETTER E WITH ACUTE}","n":[1,2.0]}}'


@given(st.lists(TEXT, max_size=4, unique=True), TEXT, st.lists(TEXT, max_size=3))
def test_a_rendered_document_is_read_back(names: list[str], description: str, trigger: list[str]) -> None:
    records = {
        name: validate_record(
            "image_generation", name, an_image(name, description=description, trigger=trigger)
        )
        for name in names
    }
    again = parse_v2(render_v2(records))
    assert again == records
    assert list(again) == names


def test_a_document_that_is_no_object_is_refused() -> None:
    with pytest.raises(SourceUnreadable):
        parse_v2(b"[]")

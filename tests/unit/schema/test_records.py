import pickle

import pytest
from pydantic import ValidationError

from horde_model_reference.meta_consts import MODEL_CLASSIFICATION_LOOKUP, MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_reference_records import (
    MODEL_RECORD_TYPE_LOOKUP,
    DownloadRecord,
    EsrganModelRecord,
    GenericModelRecord,
    GenericModelRecordConfig,
    ImageGenerationModelRecord,
    LoraModelRecord,
    TextGenerationModelRecord,
    get_default_config,
    get_record_type_for_category,
    register_record_type,
)


def test_every_category_has_a_class_with_its_defaults() -> None:
    assert list(MODEL_RECORD_TYPE_LOOKUP) == [
        category for category in MODEL_REFERENCE_CATEGORY if category in MODEL_RECORD_TYPE_LOOKUP
    ]
    for category in MODEL_REFERENCE_CATEGORY:
        fields = get_record_type_for_category(category).model_fields
        assert fields["record_type"].default == category
        assert fields["model_classification"].default == MODEL_CLASSIFICATION_LOOKUP[category]


def test_a_record_can_be_built_with_keywords_and_changed() -> None:
    record = ImageGenerationModelRecord(
        record_type="image_generation",
        name="x",
        description=None,
        baseline="stable_diffusion_xl",
        nsfw=False,
        inpainting=True,
        model_classification=MODEL_CLASSIFICATION_LOOKUP["image_generation"],
        config=GenericModelRecordConfig(download=[DownloadRecord(file_name="a", file_url="u")]),
    )
    record.name = "y"
    assert record.name == "y"
    assert record.config.download[0].sha256sum == "FIXME"
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301 - our own bytes


def test_records_can_be_subclassed() -> None:
    class CivitaiLora(LoraModelRecord):
        model_config = get_default_config()
        civitai_id: int = 0

    assert CivitaiLora(name="x", civitai_id=5).record_type == "lora"


def test_parameters_have_two_names_of_which_the_short_one_is_written_and_wins() -> None:
    both = TextGenerationModelRecord.model_validate({"name": "x", "parameters": 1, "parameters_count": 2})
    assert both.parameters_count == 1
    by_name = TextGenerationModelRecord.model_validate({"name": "x", "parameters_count": 3})
    assert by_name.model_dump()["parameters"] == 3


@pytest.mark.parametrize("parameters", [1.5, None, "x"])
def test_parameters_must_be_a_whole_number(parameters: object) -> None:
    with pytest.raises(ValidationError):
        TextGenerationModelRecord.model_validate({"name": "x", "parameters": parameters})


def test_negative_parameters_and_unknown_keys_pass() -> None:
    record = TextGenerationModelRecord.model_validate({"name": "x", "parameters": -1, "other": 1})
    assert record.parameters_count == -1
    assert not hasattr(record, "other")


def test_the_declared_size_is_that_of_the_files_when_all_declare_one() -> None:
    def record(*sizes: int | None) -> EsrganModelRecord:
        files = [DownloadRecord(file_name="a", file_url="u", size_bytes=size) for size in sizes]
        return EsrganModelRecord(
            name="x", size_on_disk_bytes=7, config=GenericModelRecordConfig(download=files)
        )

    assert record(1, 2).declared_total_size_bytes == 3
    assert record(1, None).declared_total_size_bytes == 7
    assert record().declared_total_size_bytes == 7


def test_urls_come_in_order() -> None:
    files = [DownloadRecord(file_name=name, file_url=f"u/{name}") for name in "ab"]
    record = EsrganModelRecord(name="x", config=GenericModelRecordConfig(download=files))
    assert (record.primary_download_url, record.all_download_urls) == ("u/a", ["u/a", "u/b"])
    assert (record.download_count, EsrganModelRecord(name="x").primary_download_url) == (2, None)


def test_the_category_is_that_of_the_record_type() -> None:
    record = EsrganModelRecord(name="x")
    assert record.category is MODEL_REFERENCE_CATEGORY.esrgan
    record.record_type = "other"
    assert record.category is None


def test_a_category_without_a_class_has_generic_records() -> None:
    assert get_record_type_for_category("upscaler") is GenericModelRecord


def test_replacing_a_record_type_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    register_record_type("esrgan")(EsrganModelRecord)
    assert caplog.messages == ["the record type of esrgan is replaced by EsrganModelRecord"]
    assert get_record_type_for_category("esrgan") is EsrganModelRecord

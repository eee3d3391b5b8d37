"""The v2 records of all categories (data-model.md section 3).

Unknown keys are ignored. A field may be given by its Python name or by its alias; the alias is written.
"""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from horde_model_reference.flat_values import FlatObject
from horde_model_reference.meta_consts import (
    MODEL_CLASSIFICATION_LOOKUP,
    MODEL_REFERENCE_CATEGORY,
    SCHEMA_VERSION,
    ModelClassification,
)
from horde_model_reference.model_consts.image import MODEL_STYLES, canonical_baseline

log = logging.getLogger(__name__)

UNKNOWN_SHA256: Final = "FIXME"
"""Stands in `sha256sum` for a hash that nobody knows."""

KEEP_UNKNOWN: Final[Mapping[str, str]] = MappingProxyType({"unknown names": "keep"})
"""The validation context of readers: baselines and styles that are not known stay as they are.

Without it, as in writes and in records built with keywords, they are errors (data-model.md section 3).
"""


def get_default_config() -> ConfigDict:
    """Return the pydantic configuration of all records, for records of one's own."""
    return ConfigDict(
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,  # a class is built at its first use: most programs use few of them
    )


def _strip_each(values: list[str]) -> list[str]:
    return [value.strip() for value in values]


def _empty_for_null(value: object) -> object:
    return [] if value is None else value


Stripped = Annotated[list[str], AfterValidator(_strip_each)]
TextList = Annotated[list[str], BeforeValidator(_empty_for_null)]
TagList = Annotated[Stripped, BeforeValidator(_empty_for_null)]


class DownloadRecord(BaseModel):
    """One file of a model. `file_purpose` null: the primary file. `file_url` empty: nothing to download."""

    model_config = get_default_config()

    file_name: str
    file_url: str
    sha256sum: str = UNKNOWN_SHA256
    content_hash: str | None = None
    file_purpose: str | None = None
    known_slow_download: bool | None = None
    size_bytes: int | None = None


class GenericModelRecordConfig(BaseModel):
    """The files of a model, the primary one first, and the hashes of parts inside a one-file checkpoint."""

    model_config = get_default_config()

    download: list[DownloadRecord] = Field(default_factory=list)
    embedded_component_hashes: dict[str, str] | None = None


class GenericModelRecordMetadata(BaseModel):
    """When and by whom a record was made and changed. Times are Unix seconds."""

    model_config = get_default_config()

    schema_version: str = SCHEMA_VERSION
    created_at: int | None = None
    updated_at: int | None = None
    created_by: str | None = None
    updated_by: str | None = None


class FineTuneSeriesInfo(BaseModel):
    """The series of fine-tunes that a model belongs to."""

    model_config = get_default_config()

    name: str
    version: str | None = None
    author: str | None = None
    description: str | None = None
    homepage: str | None = None


class GenericModelRecord(BaseModel):
    """What the records of all categories have in common."""

    model_config = get_default_config()

    record_type: str
    name: str
    description: str | None = None
    version: str | None = None
    finetune_series: FineTuneSeriesInfo | None = None
    metadata: GenericModelRecordMetadata = Field(default_factory=GenericModelRecordMetadata)
    config: GenericModelRecordConfig = Field(default_factory=GenericModelRecordConfig)
    model_classification: ModelClassification
    size_on_disk_bytes: int | None = None

    @property
    def category(self) -> MODEL_REFERENCE_CATEGORY | None:
        """The built-in category of `record_type`, None when it is another."""
        known = self.record_type in MODEL_REFERENCE_CATEGORY.__members__
        return MODEL_REFERENCE_CATEGORY(self.record_type) if known else None

    @property
    def declared_total_size_bytes(self) -> int | None:
        """The sum over the files when all of them declare a size, else `size_on_disk_bytes`."""
        sizes = [item.size_bytes for item in self.config.download]
        declared = [size for size in sizes if size is not None]
        return sum(declared) if sizes and len(declared) == len(sizes) else self.size_on_disk_bytes

    @property
    def primary_download_url(self) -> str | None:
        """The URL of the first file."""
        return self.config.download[0].file_url if self.config.download else None

    @property
    def all_download_urls(self) -> list[str]:
        """The URLs of all files, in order."""
        return [item.file_url for item in self.config.download]

    @property
    def download_count(self) -> int:
        """The number of files."""
        return len(self.config.download)


Record = TypeVar("Record", bound=type[GenericModelRecord])
MODEL_RECORD_TYPE_LOOKUP: Final[dict[str, type[GenericModelRecord]]] = {}
"""Category to the class of its records."""


def register_record_type(category: str) -> Callable[[Record], Record]:
    """Return a decorator that makes a class the one of a category's records; replacing one is logged."""

    def register(record_type: Record) -> Record:
        name = str(category)
        if name in MODEL_RECORD_TYPE_LOOKUP:
            log.warning("the record type of %s is replaced by %s", name, record_type.__name__)
        MODEL_RECORD_TYPE_LOOKUP[name] = record_type
        return record_type

    return register


def get_record_type_for_category(category: str) -> type[GenericModelRecord]:
    """Return the class of a category's records; `GenericModelRecord` where none was registered."""
    return MODEL_RECORD_TYPE_LOOKUP.get(category, GenericModelRecord)


@register_record_type(MODEL_REFERENCE_CATEGORY.blip)
class BlipModelRecord(GenericModelRecord):
    """A model that describes images."""

    record_type: str = "blip"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["blip"]


@register_record_type(MODEL_REFERENCE_CATEGORY.clip)
class ClipModelRecord(GenericModelRecord):
    """A model that relates images and text."""

    record_type: str = "clip"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["clip"]
    pretrained_name: str | None = None


@register_record_type(MODEL_REFERENCE_CATEGORY.codeformer)
class CodeformerModelRecord(GenericModelRecord):
    """A model that restores faces."""

    record_type: str = "codeformer"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["codeformer"]


@register_record_type(MODEL_REFERENCE_CATEGORY.controlnet)
class ControlNetModelRecord(GenericModelRecord):
    """A model that steers image generation; styles that are not known are accepted."""

    record_type: str = "controlnet"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["controlnet"]
    controlnet_style: str | None = None


@register_record_type(MODEL_REFERENCE_CATEGORY.controlnet_annotator)
class ControlNetAnnotatorModelRecord(GenericModelRecord):
    """A model that makes the input of ControlNet models."""

    record_type: str = "controlnet_annotator"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["controlnet_annotator"]
    control_types: list[str] = Field(default_factory=list)
    preprocessors: list[str] = Field(default_factory=list)


@register_record_type(MODEL_REFERENCE_CATEGORY.esrgan)
class EsrganModelRecord(GenericModelRecord):
    """A model that enlarges images."""

    record_type: str = "esrgan"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["esrgan"]


@register_record_type(MODEL_REFERENCE_CATEGORY.gfpgan)
class GfpganModelRecord(GenericModelRecord):
    """A model that restores faces."""

    record_type: str = "gfpgan"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["gfpgan"]


@register_record_type(MODEL_REFERENCE_CATEGORY.safety_checker)
class SafetyCheckerModelRecord(GenericModelRecord):
    """A model that finds what must not be shown."""

    record_type: str = "safety_checker"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["safety_checker"]


@register_record_type(MODEL_REFERENCE_CATEGORY.image_generation)
class ImageGenerationModelRecord(GenericModelRecord):
    """A model that makes images. Alternative names of a baseline become the canonical one."""

    record_type: str = "image_generation"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["image_generation"]
    inpainting: bool | None = False
    baseline: str
    optimization: str | None = None
    tags: TagList = Field(default_factory=list)
    showcases: TextList = Field(default_factory=list)
    min_bridge_version: int | None = None
    trigger: TextList = Field(default_factory=list)
    homepage: str | None = None
    nsfw: bool
    style: str | None = None
    requirements: FlatObject | None = None
    features_not_supported: list[str] | None = None

    @field_validator("baseline")
    @classmethod
    def _known_baseline(cls, value: str, info: ValidationInfo) -> str:
        canonical = canonical_baseline(value)
        if canonical is None and info.context is not KEEP_UNKNOWN:
            raise ValueError(f"Unknown baseline: {value}")
        return canonical or value

    @field_validator("style")
    @classmethod
    def _known_style(cls, value: str | None, info: ValidationInfo) -> str | None:
        style = None if value is None else value.strip()
        if style is None or MODEL_STYLES.is_known(style) or info.context is KEEP_UNKNOWN:
            return style
        raise ValueError(f"Unknown style: {style}")


@register_record_type(MODEL_REFERENCE_CATEGORY.text_generation)
class TextGenerationModelRecord(GenericModelRecord):
    """A model that writes text. `parameters` is the number of parameters, not in billions."""

    record_type: str = "text_generation"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["text_generation"]
    baseline: str | None = None
    parameters_count: int = Field(alias="parameters")
    nsfw: bool = False
    style: str | None = None
    display_name: str | None = None
    url: str | None = None
    tags: Stripped | None = None
    instruct_format: str | None = None
    settings: FlatObject | None = None
    text_model_group: str | None = None
    name_schema_exception: str | None = None


@register_record_type(MODEL_REFERENCE_CATEGORY.video_generation)
class VideoGenerationModelRecord(GenericModelRecord):
    """A model that makes videos."""

    record_type: str = "video_generation"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["video_generation"]
    baseline: str | None = None
    nsfw: bool = False
    tags: list[str] | None = None


@register_record_type(MODEL_REFERENCE_CATEGORY.audio_generation)
class AudioGenerationModelRecord(GenericModelRecord):
    """A model that makes sound."""

    record_type: str = "audio_generation"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["audio_generation"]
    baseline: str | None = None
    nsfw: bool = False
    tags: list[str] | None = None


@register_record_type(MODEL_REFERENCE_CATEGORY.miscellaneous)
class MiscellaneousModelRecord(GenericModelRecord):
    """A model that fits nowhere else."""

    record_type: str = "miscellaneous"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["miscellaneous"]


class _PatchModelRecord(GenericModelRecord):
    baseline: str | None = None
    nsfw: bool = False
    tags: list[str] | None = None
    trigger: list[str] | None = None
    homepage: str | None = None
    showcases: list[str] | None = None


@register_record_type(MODEL_REFERENCE_CATEGORY.lora)
class LoraModelRecord(_PatchModelRecord):
    """A patch for image models."""

    record_type: str = "lora"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["lora"]


@register_record_type(MODEL_REFERENCE_CATEGORY.ti)
class TextualInversionModelRecord(_PatchModelRecord):
    """A textual inversion: new words for image models."""

    record_type: str = "ti"
    model_classification: ModelClassification = MODEL_CLASSIFICATION_LOOKUP["ti"]

"""The fields of the records as objects, for conditions and orders (python-client.md section 7).

`query.where((ImageFields.nsfw == false) & (ImageFields.size_on_disk_bytes > 2 * 10**9))`
"""

from typing import Final

from horde_model_reference.queries.fields import FieldRef, OrderSpec, Predicate
from horde_model_reference.queries.relations import false, true

__all__ = [
    "AudioFields",
    "BlipFields",
    "ClipFields",
    "CodeformerFields",
    "ControlNetFields",
    "EsrganFields",
    "FieldRef",
    "GenericFields",
    "GfpganFields",
    "ImageFields",
    "MiscellaneousFields",
    "OrderSpec",
    "Predicate",
    "SafetyCheckerFields",
    "TextFields",
    "VideoFields",
    "false",
    "true",
]


class GenericFields:
    """The fields that the records of all categories have."""

    record_type: Final = FieldRef("record_type")
    name: Final = FieldRef("name")
    description: Final = FieldRef("description")
    version: Final = FieldRef("version")
    finetune_series: Final = FieldRef("finetune_series")
    metadata: Final = FieldRef("metadata")
    config: Final = FieldRef("config")
    model_classification: Final = FieldRef("model_classification")
    size_on_disk_bytes: Final = FieldRef("size_on_disk_bytes")


class ImageFields(GenericFields):
    """The fields of image models."""

    inpainting: Final = FieldRef("inpainting")
    baseline: Final = FieldRef("baseline")
    optimization: Final = FieldRef("optimization")
    tags: Final = FieldRef("tags")
    showcases: Final = FieldRef("showcases")
    min_bridge_version: Final = FieldRef("min_bridge_version")
    trigger: Final = FieldRef("trigger")
    homepage: Final = FieldRef("homepage")
    nsfw: Final = FieldRef("nsfw")
    style: Final = FieldRef("style")
    requirements: Final = FieldRef("requirements")
    features_not_supported: Final = FieldRef("features_not_supported")


class TextFields(GenericFields):
    """The fields of text models."""

    baseline: Final = FieldRef("baseline")
    parameters_count: Final = FieldRef("parameters_count")
    nsfw: Final = FieldRef("nsfw")
    style: Final = FieldRef("style")
    display_name: Final = FieldRef("display_name")
    url: Final = FieldRef("url")
    tags: Final = FieldRef("tags")
    instruct_format: Final = FieldRef("instruct_format")
    settings: Final = FieldRef("settings")
    text_model_group: Final = FieldRef("text_model_group")
    name_schema_exception: Final = FieldRef("name_schema_exception")


class ControlNetFields(GenericFields):
    """The fields of ControlNet models."""

    controlnet_style: Final = FieldRef("controlnet_style")


class ClipFields(GenericFields):
    """The fields of CLIP models."""

    pretrained_name: Final = FieldRef("pretrained_name")


class VideoFields(GenericFields):
    """The fields of video models."""

    baseline: Final = FieldRef("baseline")
    nsfw: Final = FieldRef("nsfw")
    tags: Final = FieldRef("tags")


class AudioFields(GenericFields):
    """The fields of audio models."""

    baseline: Final = FieldRef("baseline")
    nsfw: Final = FieldRef("nsfw")
    tags: Final = FieldRef("tags")


class BlipFields(GenericFields):
    """The fields of BLIP models."""


class CodeformerFields(GenericFields):
    """The fields of CodeFormer models."""


class EsrganFields(GenericFields):
    """The fields of ESRGAN models."""


class GfpganFields(GenericFields):
    """The fields of GFPGAN models."""


class SafetyCheckerFields(GenericFields):
    """The fields of safety checkers."""


class MiscellaneousFields(GenericFields):
    """The fields of models that fit nowhere else."""

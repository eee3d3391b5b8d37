"""What is required of legacy records so that they can become v2 records (data-model.md sections 4 and 5).

Only what v2 takes over is checked; every other key may hold anything and is kept as it is.
"""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY


class _LegacyModel(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class LegacyFile(_LegacyModel):
    """A file of a model. Entries for `.yaml` files have a path only."""

    path: str
    sha256sum: str | None = None
    file_type: str | None = None
    content_hash: str | None = None


class LegacyDownload(_LegacyModel):
    """Where the file of that name comes from."""

    file_name: str
    file_url: str | None = None


class LegacyConfig(_LegacyModel):
    """The files of a model and their sources."""

    files: list[LegacyFile] | None = None
    download: list[LegacyDownload] | None = None
    embedded_component_hashes: dict[str, str] | None = None


class LegacyRecord(_LegacyModel):
    """What all legacy records have in common."""

    name: str
    description: str | None = None
    version: str | None = None
    config: LegacyConfig | None = None


class LegacyClipRecord(LegacyRecord):
    """A record of clip.json."""

    type: Literal["clip", "coca"] | None = None
    pretrained_name: str | None = None


class LegacyControlNetRecord(LegacyRecord):
    """A record of controlnet.json. `style` repeats `type`."""

    type: str | None = None
    style: str | None = None


class LegacyImageRecord(LegacyRecord):
    """A record of stable_diffusion.json."""

    baseline: str
    type: Literal["ckpt"] = "ckpt"
    inpainting: bool = False
    tags: list[str] | None = None
    showcases: list[str] | None = None
    trigger: list[str] | None = None
    features_not_supported: list[str] | None = None

    @field_validator("showcases")
    @classmethod
    def _not_on_huggingface(cls, urls: list[str] | None) -> list[str] | None:
        if any("huggingface" in url for url in urls or ()):
            raise ValueError("a showcase lies on huggingface")
        return urls


LEGACY_RECORD_TYPES: Final[Mapping[str, type[LegacyRecord]]] = {
    MODEL_REFERENCE_CATEGORY.clip: LegacyClipRecord,
    MODEL_REFERENCE_CATEGORY.controlnet: LegacyControlNetRecord,
    MODEL_REFERENCE_CATEGORY.image_generation: LegacyImageRecord,
}
"""Categories that are not listed use `LegacyRecord`."""

FRESH_TYPES: Final[Mapping[str, str]] = {
    MODEL_REFERENCE_CATEGORY.image_generation: "ckpt",
    MODEL_REFERENCE_CATEGORY.blip: "blip",
    MODEL_REFERENCE_CATEGORY.clip: "clip",
    MODEL_REFERENCE_CATEGORY.codeformer: "CodeFormers",
    MODEL_REFERENCE_CATEGORY.esrgan: "realesrgan",
    MODEL_REFERENCE_CATEGORY.gfpgan: "gfpgan",
    MODEL_REFERENCE_CATEGORY.safety_checker: "safety_checker",
    MODEL_REFERENCE_CATEGORY.miscellaneous: "layer_diffuse",
}
"""The `type` of a record that never had a legacy original; that of controlnet follows from the record."""

OTHER_KNOWN_TYPES: Final[Mapping[str, frozenset[str]]] = {
    MODEL_REFERENCE_CATEGORY.clip: frozenset({"coca"}),
    MODEL_REFERENCE_CATEGORY.esrgan: frozenset({"esrgan"}),
}
"""Further values of `type` that occur in the real files."""

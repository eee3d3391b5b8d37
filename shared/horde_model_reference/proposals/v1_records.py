"""The fields of proposed legacy records (http-write-api.md section 5). null is the same as absent."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from horde_model_reference.flat_values import FlatObject
from horde_model_reference.legacy.records import FRESH_TYPES, OTHER_KNOWN_TYPES
from horde_model_reference.meta_consts import CONTROLNET_STYLES, MODEL_REFERENCE_CATEGORY


class _NullsAreAbsent(BaseModel):
    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:  # noqa: ANN401 - any JSON value
        return (
            {key: value for key, value in given.items() if value is not None}
            if isinstance(given, dict)
            else given
        )


class V1File(_NullsAreAbsent):
    """A file of a model; further keys are kept."""

    model_config = ConfigDict(extra="allow")

    path: str
    md5sum: str | None = None
    sha256sum: str | None = None
    file_type: str | None = None
    content_hash: str | None = None


class V1Download(_NullsAreAbsent):
    """Where a file comes from; further keys are kept."""

    model_config = ConfigDict(extra="allow")

    file_name: str
    file_path: str = ""
    file_url: str | None = None
    sha256sum: str | None = None


class V1Config(_NullsAreAbsent):
    """The files of a model; further keys are dropped."""

    files: list[V1File] = Field(default_factory=list)
    download: list[V1Download] = Field(default_factory=list)
    embedded_component_hashes: dict[str, str] | None = None


class V1Record(_NullsAreAbsent):
    """What all legacy records have in common; further fields are kept."""

    model_config = ConfigDict(extra="allow")

    name: str
    type: str | None = None
    description: str | None = None
    version: str | None = None
    style: str | None = None
    nsfw: bool | None = None
    download_all: bool | None = None
    available: bool | None = None
    features_not_supported: list[str] | None = None
    config: V1Config = Field(default_factory=V1Config)


class V1ClipRecord(V1Record):
    """A record of clip.json."""

    pretrained_name: str | None = None


class V1ImageRecord(V1Record):
    """A record of stable_diffusion.json; further fields are dropped."""

    model_config = ConfigDict(extra="ignore")

    baseline: str
    inpainting: bool = False
    tags: list[str] | None = None
    showcases: list[str] | None = None
    min_bridge_version: int | None = None
    trigger: list[str] | None = None
    homepage: str | None = None
    size_on_disk_bytes: int | None = None
    optimization: str | None = None
    requirements: FlatObject | None = None


class V1TextRecord(V1Record):
    """A text model. `parameters`, `tags` and `settings` have rules of their own (section 5.1)."""

    model_config = ConfigDict(extra="ignore")

    model_name: str | None = None
    baseline: str | None = None
    parameters: Any = None
    display_name: str | None = None
    url: str | None = None
    tags: Any = None
    instruct_format: str | None = None
    settings: Any = None
    text_model_group: str | None = None
    name_schema_exception: str | None = None


_RECORD_TYPES: Final[Mapping[str, type[V1Record]]] = {
    MODEL_REFERENCE_CATEGORY.clip: V1ClipRecord,
    MODEL_REFERENCE_CATEGORY.image_generation: V1ImageRecord,
    MODEL_REFERENCE_CATEGORY.text_generation: V1TextRecord,
}


def v1_record_type(category: str) -> type[V1Record]:
    """Return the class of a category's proposed legacy records."""
    return _RECORD_TYPES.get(category, V1Record)


def v1_types(category: str) -> tuple[str, ...]:
    """Return what `type` may be, the default first. controlnet has no default, text models have no types."""
    if category == MODEL_REFERENCE_CATEGORY.controlnet:
        return CONTROLNET_STYLES.names()
    default = FRESH_TYPES.get(category)
    return () if default is None else (default, *sorted(OTHER_KNOWN_TYPES.get(category, ())))

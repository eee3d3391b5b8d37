"""Categories and the words used about them (data-model.md sections 1 and 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from horde_model_reference.model_consts.image import (
    CONTROLNET_STYLE,
    CONTROLNET_STYLES,
    KNOWN_IMAGE_GENERATION_BASELINE,
    KNOWN_TAGS,
    MODEL_STYLE,
    MODEL_STYLES,
    TAGS,
    BaselineDescriptor,
    get_all_registered_baselines,
    get_baseline_descriptor,
    get_baseline_native_resolution,
    get_known_tags,
    register_image_baseline,
)
from horde_model_reference.model_consts.text import TEXT_BACKEND_NAMES, TEXT_BACKENDS
from horde_model_reference.registries import DescriptorRegistry

__all__ = [
    "CATEGORY_METADATA_SCHEMA_VERSION",
    "CONTROLNET_STYLE",
    "CONTROLNET_STYLES",
    "DEFAULT_SHOWCASE_FOLDER_NAME",
    "KNOWN_IMAGE_GENERATION_BASELINE",
    "KNOWN_TAGS",
    "MODEL_CLASSIFICATION_LOOKUP",
    "MODEL_DOMAIN",
    "MODEL_PURPOSE",
    "MODEL_REFERENCE_CATEGORY",
    "MODEL_STYLE",
    "MODEL_STYLES",
    "SCHEMA_VERSION",
    "TAGS",
    "TEXT_BACKENDS",
    "TEXT_BACKEND_NAMES",
    "BackendInfo",
    "BaselineDescriptor",
    "CanonicalFormat",
    "CategoryDescriptor",
    "ComponentKind",
    "GithubSource",
    "ModelClassification",
    "OperationType",
    "ReplicateMode",
    "all_category_names",
    "as_category",
    "category_of_v1_name",
    "get_all_registered_baselines",
    "get_all_registered_categories",
    "get_baseline_descriptor",
    "get_baseline_native_resolution",
    "get_category_descriptor",
    "get_known_tags",
    "get_weights_marker_folders",
    "is_held_here",
    "is_registered_category",
    "register_category",
    "register_image_baseline",
    "showcase_folder_name",
]

SCHEMA_VERSION: Final = "2.0.0"
"""The schema version of v2 records."""

CATEGORY_METADATA_SCHEMA_VERSION: Final = "1.0.0"
DEFAULT_SHOWCASE_FOLDER_NAME: Final = "showcase"


class MODEL_REFERENCE_CATEGORY(StrEnum):
    """The built-in categories. Their order matters wherever all categories are listed."""

    blip = "blip"
    clip = "clip"
    codeformer = "codeformer"
    controlnet = "controlnet"
    controlnet_annotator = "controlnet_annotator"
    esrgan = "esrgan"
    gfpgan = "gfpgan"
    safety_checker = "safety_checker"
    image_generation = "image_generation"
    text_generation = "text_generation"
    video_generation = "video_generation"
    audio_generation = "audio_generation"
    miscellaneous = "miscellaneous"
    lora = "lora"
    ti = "ti"


class MODEL_DOMAIN(StrEnum):
    """What a model is about."""

    image = "image"
    text = "text"
    video = "video"
    audio = "audio"
    rendered_3d = "rendered_3d"


class MODEL_PURPOSE(StrEnum):
    """What a model is for."""

    generation = "generation"
    post_processing = "post_processing"
    auxiliary_or_patch = "auxiliary_or_patch"
    feature_extractor = "feature_extractor"
    safety_checker = "safety_checker"
    miscellaneous = "miscellaneous"


class GithubSource(StrEnum):
    """Which of the two legacy repositories holds a category."""

    image = "image"
    text = "text"


class ReplicateMode(StrEnum):
    """Whether an instance holds the canonical data or follows one that does."""

    PRIMARY = "PRIMARY"
    REPLICA = "REPLICA"


class CanonicalFormat(StrEnum):
    """Which API version accepts writes."""

    legacy = "legacy"
    v2 = "v2"


class OperationType(StrEnum):
    """What an operation did to a record."""

    create = "create"
    update = "update"
    delete = "delete"


class ComponentKind(StrEnum):
    """Parts of a checkpoint that have a hash of their own."""

    vae = "vae"
    text_encoders = "text_encoders"


class ModelClassification(BaseModel):
    """The domain and purpose of a model."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    domain: MODEL_DOMAIN
    purpose: MODEL_PURPOSE


class BackendInfo(BaseModel):
    """What an instance says about itself. Only a PRIMARY is writable."""

    model_config = ConfigDict(defer_build=True)

    replicate_mode: ReplicateMode
    canonical_format: CanonicalFormat
    writable: bool


@dataclass(frozen=True, slots=True)
class CategoryDescriptor:
    """Everything particular about a category except its records.

    `filename` names the v2 file, `legacy_filename` the file of the legacy repository, `on_disk_folder` the
    folder of the weights. `weights_marker` folders tell the weights folder from any other folder.
    """

    domain: MODEL_DOMAIN
    purpose: MODEL_PURPOSE
    filename: str
    github_source: GithubSource | None = None
    has_legacy_format: bool = True
    managed_elsewhere: bool = False
    managed_download_elsewhere: bool = False
    legacy_filename_override: str | None = None
    on_disk_folder: str | None = None
    weights_marker: bool = False

    @property
    def legacy_filename(self) -> str:
        """The file of the legacy repository; that of v2 unless said otherwise."""
        return self.legacy_filename_override or self.filename

    @property
    def classification(self) -> ModelClassification:
        """The classification that every record of the category has."""
        return ModelClassification(domain=self.domain, purpose=self.purpose)


def _image_repository(name: str, purpose: MODEL_PURPOSE, *, marker: bool = False) -> CategoryDescriptor:
    return CategoryDescriptor(
        domain=MODEL_DOMAIN.image,
        purpose=purpose,
        filename=f"{name}.json",
        github_source=GithubSource.image,
        on_disk_folder=name,
        weights_marker=marker,
    )


def _v2_only(name: str, domain: MODEL_DOMAIN) -> CategoryDescriptor:
    return CategoryDescriptor(
        domain=domain, purpose=MODEL_PURPOSE.generation, filename=f"{name}.json", has_legacy_format=False
    )


def _patch(name: str) -> CategoryDescriptor:
    return CategoryDescriptor(
        domain=MODEL_DOMAIN.image,
        purpose=MODEL_PURPOSE.auxiliary_or_patch,
        filename=f"{name}.json",
        has_legacy_format=False,
        managed_elsewhere=True,
        managed_download_elsewhere=True,
        on_disk_folder=name,
    )


_DESCRIPTORS: Final[Mapping[str, CategoryDescriptor]] = {
    "blip": _image_repository("blip", MODEL_PURPOSE.feature_extractor),
    "clip": _image_repository("clip", MODEL_PURPOSE.feature_extractor, marker=True),
    "codeformer": _image_repository("codeformer", MODEL_PURPOSE.post_processing),
    "controlnet": _image_repository("controlnet", MODEL_PURPOSE.auxiliary_or_patch),
    "controlnet_annotator": CategoryDescriptor(
        domain=MODEL_DOMAIN.image,
        purpose=MODEL_PURPOSE.auxiliary_or_patch,
        filename="controlnet_annotator.json",
        has_legacy_format=False,
        on_disk_folder="controlnet",
    ),
    "esrgan": _image_repository("esrgan", MODEL_PURPOSE.post_processing),
    "gfpgan": _image_repository("gfpgan", MODEL_PURPOSE.post_processing),
    "safety_checker": _image_repository("safety_checker", MODEL_PURPOSE.safety_checker),
    "image_generation": CategoryDescriptor(
        domain=MODEL_DOMAIN.image,
        purpose=MODEL_PURPOSE.generation,
        filename="stable_diffusion.json",
        github_source=GithubSource.image,
        on_disk_folder="compvis",
        weights_marker=True,
    ),
    "text_generation": CategoryDescriptor(
        domain=MODEL_DOMAIN.text,
        purpose=MODEL_PURPOSE.generation,
        filename="text_generation.json",
        github_source=GithubSource.text,
        legacy_filename_override="models.csv",
    ),
    "video_generation": _v2_only("video_generation", MODEL_DOMAIN.video),
    "audio_generation": _v2_only("audio_generation", MODEL_DOMAIN.audio),
    "miscellaneous": _image_repository("miscellaneous", MODEL_PURPOSE.miscellaneous),
    "lora": _patch("lora"),
    "ti": _patch("ti"),
}
CATEGORIES: Final = DescriptorRegistry[CategoryDescriptor]("category", _DESCRIPTORS)

MODEL_CLASSIFICATION_LOOKUP: Final[Mapping[str, ModelClassification]] = {
    category: ModelClassification.model_construct(  # no validator is built for it while programs start
        domain=_DESCRIPTORS[category].domain, purpose=_DESCRIPTORS[category].purpose
    )
    for category in MODEL_REFERENCE_CATEGORY
}
"""The classification of every built-in category."""

_OTHER_V1_NAMES: Final[Mapping[str, str]] = {
    "stable_diffusion": MODEL_REFERENCE_CATEGORY.image_generation,
    "stable_diffusion.json": MODEL_REFERENCE_CATEGORY.image_generation,
    "db.json": MODEL_REFERENCE_CATEGORY.text_generation,
}


def register_category(name: str, descriptor: CategoryDescriptor) -> None:
    """Make a category known. Raises `ValueError` when the name is taken."""
    CATEGORIES.register(name, descriptor)


def as_category(name: str) -> str:
    """Return the member for the text of a built-in category; any other text as it is."""
    return MODEL_REFERENCE_CATEGORY.__members__.get(name, name)


def is_registered_category(name: str) -> bool:
    """Say whether the category is known, built in or registered."""
    return CATEGORIES.is_known(name)


def is_held_here(name: str) -> bool:
    """Say whether the reference itself holds the category, and nobody else does (data-model.md section 1)."""
    return CATEGORIES.is_known(name) and not CATEGORIES.get(name).managed_elsewhere


def get_category_descriptor(name: str) -> CategoryDescriptor:
    """Return the descriptor of a category. Raises `KeyError` for an unknown one."""
    return CATEGORIES.get(name)


def get_all_registered_categories() -> dict[str, CategoryDescriptor]:
    """Return every category in order, the registered ones last."""
    return CATEGORIES.all()


def all_category_names() -> tuple[str, ...]:
    """Return the names of all categories in that order, those of built-in ones as members."""
    return tuple(as_category(name) for name in CATEGORIES.all())


def get_weights_marker_folders() -> frozenset[str]:
    """Return the folders that together mark the root of the weights."""
    return frozenset(
        item.on_disk_folder
        for item in CATEGORIES.all().values()
        if item.weights_marker and item.on_disk_folder is not None
    )


def category_of_v1_name(name: str) -> str | None:
    """Return the category that a v1 URL means, None for a name that means none.

    Besides the categories these are `stable_diffusion`, `stable_diffusion.json`, `db.json` and
    `<category>.json`.
    """
    if name in _OTHER_V1_NAMES:
        return str(_OTHER_V1_NAMES[name])
    category = name.removesuffix(".json")
    return category if CATEGORIES.is_known(category) else None


def showcase_folder_name(model_name: str) -> str:
    """Return the folder of a model's showcases: lower case, without apostrophes, other signs as `_`."""
    lowered = model_name.lower().replace("'", "")
    return "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in lowered)

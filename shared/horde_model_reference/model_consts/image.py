"""Baselines, styles and tags of image models (data-model.md section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from horde_model_reference.registries import DescriptorRegistry, NameRegistry


class KNOWN_IMAGE_GENERATION_BASELINE(StrEnum):
    """The canonical names of the built-in baselines."""

    infer = "infer"
    stable_diffusion_1 = "stable_diffusion_1"
    stable_diffusion_2_768 = "stable_diffusion_2_768"
    stable_diffusion_2_512 = "stable_diffusion_2_512"
    stable_diffusion_xl = "stable_diffusion_xl"
    stable_cascade = "stable_cascade"
    flux_1 = "flux_1"
    flux_schnell = "flux_schnell"
    flux_dev = "flux_dev"
    qwen_image = "qwen_image"
    z_image_turbo = "z_image_turbo"


class MODEL_STYLE(StrEnum):
    """Styles of image models. Letter case matters."""

    generalist = "generalist"
    anime = "anime"
    furry = "furry"
    artistic = "artistic"
    other = "other"
    realistic = "realistic"


class CONTROLNET_STYLE(StrEnum):
    """What a ControlNet model is steered by."""

    control_seg = "control_seg"
    control_scribble = "control_scribble"
    control_fakescribbles = "control_fakescribbles"
    control_openpose = "control_openpose"
    control_normal = "control_normal"
    control_mlsd = "control_mlsd"
    control_hough = "control_hough"
    control_hed = "control_hed"
    control_canny = "control_canny"
    control_depth = "control_depth"
    control_qr = "control_qr"
    control_qr_xl = "control_qr_xl"
    control_lineart = "control_lineart"
    control_lineart_anime = "control_lineart_anime"
    control_normal_bae = "control_normal_bae"
    control_recolor = "control_recolor"
    control_tile = "control_tile"


class LEGACY_FEATURE(StrEnum):
    """What a legacy record may name in `features_not_supported`."""

    hires_fix = "hires_fix"
    loras = "loras"
    inpainting = "inpainting"
    controlnet = "controlnet"


@dataclass(frozen=True, slots=True)
class BaselineDescriptor:
    """A baseline: the side of its native resolution in pixels, and the other names it goes by."""

    native_resolution: int | None = None
    alternative_names: tuple[str, ...] = ()


_SD1_NAMES: Final = (
    *("stable diffusion 1", "stable diffusion 1.4", "stable diffusion 1.5"),
    *("SD1", "SD14", "SD1.4", "SD15", "SD1.5"),
    *("stable_diffusion", "stable_diffusion_1", "stable_diffusion_1.4", "stable_diffusion_1.5"),
)
_BASELINES: Final[Mapping[str, BaselineDescriptor]] = {
    "infer": BaselineDescriptor(),
    "stable_diffusion_1": BaselineDescriptor(512, _SD1_NAMES),
    "stable_diffusion_2_768": BaselineDescriptor(768),
    "stable_diffusion_2_512": BaselineDescriptor(512),
    "stable_diffusion_xl": BaselineDescriptor(1024, ("stable diffusion xl", "SDXL", "stable_diffusion_xl")),
    "stable_cascade": BaselineDescriptor(1024, ("stable_cascade", "stable cascade")),
    "flux_1": BaselineDescriptor(1024),
    "flux_schnell": BaselineDescriptor(1024, ("flux_schnell", "flux schnell")),
    "flux_dev": BaselineDescriptor(1024, ("flux_dev", "flux dev")),
    "qwen_image": BaselineDescriptor(1024, ("qwen_image", "qwen image", "qwen-image", "qwen")),
    "z_image_turbo": BaselineDescriptor(1024, ("z_image_turbo", "z image turbo", "zimage-turbo", "zimage")),
}
LEGACY_BASELINES: Final[Mapping[str, str]] = {
    "stable diffusion 1": "stable_diffusion_1",
    "stable diffusion 2": "stable_diffusion_2_768",
    "stable diffusion 2 512": "stable_diffusion_2_512",
}
"""Legacy spelling to canonical name; every other baseline is spelled the same in both formats."""

KNOWN_TAGS: Final = frozenset(
    {
        *("anime", "booru", "cartoon", "cg", "character", "comic", "cyberpunk", "game", "hentai"),
        *("high resolution", "landscapes", "low poly", "manga", "painting", "retro", "scenes"),
        *("sketch", "tv show"),
    }
)
"""Tags in use. Advisory only: any tag is accepted."""

IMAGE_BASELINES: Final = DescriptorRegistry[BaselineDescriptor]("image baseline", _BASELINES)
MODEL_STYLES: Final = NameRegistry(MODEL_STYLE)
CONTROLNET_STYLES: Final = NameRegistry(CONTROLNET_STYLE)
TAGS: Final = NameRegistry(sorted(KNOWN_TAGS))


def register_image_baseline(name: str, descriptor: BaselineDescriptor) -> None:
    """Make a baseline known to records at once. Raises `ValueError` when the name is taken."""
    IMAGE_BASELINES.register(name, descriptor)


def get_baseline_descriptor(name: str) -> BaselineDescriptor:
    """Return the descriptor of a canonical name. Raises `KeyError` for any other."""
    return IMAGE_BASELINES.get(name)


def get_all_registered_baselines() -> dict[str, BaselineDescriptor]:
    """Return every baseline by its canonical name."""
    return IMAGE_BASELINES.all()


def get_baseline_native_resolution(name: str) -> int:
    """Return the side of the native resolution in pixels. Raises `KeyError` where there is none."""
    side_pixels = IMAGE_BASELINES.get(name).native_resolution
    if side_pixels is None:
        raise KeyError(f"the baseline {name!r} has no native resolution")
    return side_pixels


def canonical_baseline(name: str) -> str | None:
    """Return the canonical name for a canonical or alternative one, None for an unknown one."""
    if IMAGE_BASELINES.is_known(name):
        return name
    for canonical, descriptor in IMAGE_BASELINES.all().items():
        if name in descriptor.alternative_names:
            return canonical
    return None


def legacy_baseline(name: str) -> str:
    """Return the legacy spelling of a canonical baseline."""
    return next((legacy for legacy, canonical in LEGACY_BASELINES.items() if canonical == name), name)


def get_known_tags() -> frozenset[str]:
    """Return the known tags, registered ones included."""
    return frozenset(TAGS.names())

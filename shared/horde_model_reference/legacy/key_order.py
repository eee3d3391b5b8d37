"""In which order legacy objects hold their keys (data-model.md section 4)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY

IMAGE_KEYS: Final = (
    *("name", "baseline", "optimization", "type", "inpainting", "description", "tags", "showcases"),
    *("min_bridge_version", "version", "style", "trigger", "homepage", "nsfw", "download_all"),
    *("requirements", "config", "available", "features_not_supported", "size_on_disk_bytes"),
)
"""The canonical order of stable_diffusion.json."""

_SHORT: Final = ("name", "type", "config", "available")
_UPSCALER: Final = ("name", "type", "description", "version", "style", "config", "available")
RECORD_KEYS: Final[Mapping[str, Sequence[str]]] = {
    MODEL_REFERENCE_CATEGORY.image_generation: IMAGE_KEYS,
    MODEL_REFERENCE_CATEGORY.blip: _SHORT,
    MODEL_REFERENCE_CATEGORY.clip: _SHORT,
    MODEL_REFERENCE_CATEGORY.codeformer: _UPSCALER,
    MODEL_REFERENCE_CATEGORY.gfpgan: _UPSCALER,
    MODEL_REFERENCE_CATEGORY.esrgan: _UPSCALER,
    MODEL_REFERENCE_CATEGORY.controlnet: (
        *("name", "type", "description", "version", "style", "nsfw", "download_all", "config", "available"),
    ),
    MODEL_REFERENCE_CATEGORY.miscellaneous: (
        *("name", "type", "baseline", "description", "config", "available"),
    ),
    MODEL_REFERENCE_CATEGORY.safety_checker: ("name", "type", "description", "config", "available"),
}
CONFIG_KEYS: Final = ("files", "download", "embedded_component_hashes")
FILE_KEYS: Final = ("path", "md5sum", "sha256sum", "file_type", "content_hash")
DOWNLOAD_KEYS: Final = ("file_name", "file_path", "file_url")


def with_key(target: Mapping[str, Any], key: str, value: Any, order: Sequence[str]) -> Record:  # noqa: ANN401
    """Return a copy in which the key has the value; null removes it. No other key moves.

    A new key stands before the first of those that follow it in `order`; one that is not listed there stands
    before `config`.
    """
    if value is None:
        return {old: item for old, item in target.items() if old != key}
    if key in target:
        return {**target, key: value}
    place = order.index(key) if key in order else order.index("config") - 1 if "config" in order else -1
    followers = set(order[place + 1 :]) if place >= 0 else set()
    result: Record = {}
    for old, item in target.items():
        if old in followers and key not in result:
            result[key] = value
        result[old] = item
    result.setdefault(key, value)
    return result


def in_order(target: Mapping[str, Any], order: Sequence[str]) -> Record:
    """Return a copy with the listed keys in order and all others behind them, as they were."""
    listed = {key: target[key] for key in order if key in target}
    return {**listed, **{key: item for key, item in target.items() if key not in listed}}


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a copy in which no object, at any depth, holds a null: legacy files never do."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value

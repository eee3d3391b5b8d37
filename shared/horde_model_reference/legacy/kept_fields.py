"""What a v2 record knows beyond its legacy form (data-model.md sections 5 and 6)."""

from collections.abc import Mapping
from typing import Final

from horde_model_reference.documents import Record
from horde_model_reference.legacy.to_v2 import COMMON_FIELDS, IMAGE_FIELDS
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_reference_records import UNKNOWN_SHA256
from horde_model_reference.v2_format import validate_record

_OF_EVERY_CATEGORY: Final = frozenset(
    {*COMMON_FIELDS, "record_type", "metadata", "config", "model_classification"}
)
_OF_ONE_CATEGORY: Final[Mapping[str, frozenset[str]]] = {
    MODEL_REFERENCE_CATEGORY.image_generation: frozenset({*IMAGE_FIELDS, "baseline", "nsfw"}),
    MODEL_REFERENCE_CATEGORY.clip: frozenset({"pretrained_name"}),
    MODEL_REFERENCE_CATEGORY.controlnet: frozenset({"controlnet_style"}),
}


def with_kept_fields(category: str, name: str, converted: Record, stored: Record | None) -> Record:
    """Return a converted record with what the stored v2 record says and legacy cannot; no metadata of it."""
    if stored is None:
        return converted
    said = _OF_EVERY_CATEGORY | _OF_ONE_CATEGORY.get(category, frozenset())
    kept = {field: value for field, value in stored.items() if field not in said}
    config = {**converted["config"], "download": _with_kept_sizes(converted, stored)}
    return validate_record(category, name, {**converted, **kept, "config": config})


def _with_kept_sizes(converted: Record, stored: Record) -> list[Record]:
    known = {item["file_name"]: item for item in stored.get("config", {}).get("download", ())}
    return [_kept(item, known.get(item["file_name"], {})) for item in converted["config"]["download"]]


def _kept(download: Record, stored: Record) -> Record:
    kept: Record = {}
    is_same_source = stored.get("file_url") == download["file_url"]
    is_same_hash = stored.get("sha256sum", "").lower() == download["sha256sum"].lower()
    if is_same_hash and (is_same_source or download["sha256sum"] != UNKNOWN_SHA256):
        kept["size_bytes"] = stored.get("size_bytes")
    if is_same_source:
        kept["known_slow_download"] = stored.get("known_slow_download", download["known_slow_download"])
    return {**download, **kept}

"""v2 records that never had a legacy original to legacy records (data-model.md section 6, rule 4)."""

from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.legacy.key_order import IMAGE_KEYS, in_order, without_nulls
from horde_model_reference.legacy.records import FRESH_TYPES
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_consts.image import legacy_baseline

IMAGE_FIELDS: Final = (
    *("name", "description", "version", "inpainting", "optimization", "tags", "showcases"),
    *("min_bridge_version", "trigger", "homepage", "nsfw", "style", "requirements"),
    *("features_not_supported", "size_on_disk_bytes"),
)
"""Fields that both formats spell the same."""

OMITTED_WHEN_EMPTY: Final = frozenset({"tags", "showcases", "trigger", "features_not_supported"})


def fresh_legacy_record(category: str, record: Record) -> Record:
    """Return the legacy form of a valid v2 record of a JSON category."""
    if category == MODEL_REFERENCE_CATEGORY.image_generation:
        return _fresh_image(record)
    legacy = {
        "name": record["name"],
        "type": record.get("controlnet_style") or FRESH_TYPES.get(category),
        "description": record.get("description"),
        "version": record.get("version"),
        "pretrained_name": record.get("pretrained_name"),
        "config": fresh_config(record["config"]),
        "available": False,
    }
    cleaned: Record = without_nulls(legacy)
    return cleaned


def fresh_config(config: Record) -> Record:
    """Return the legacy config of a v2 config."""
    downloads = config["download"]
    legacy = {
        "files": [fresh_file(item) for item in downloads],
        "download": [fresh_download(item) for item in downloads],
    }
    hashes = config.get("embedded_component_hashes")
    return legacy if hashes is None else {**legacy, "embedded_component_hashes": hashes}


def fresh_file(download: Record) -> Record:
    """Return the files entry of a v2 download."""
    entry = {
        "path": download["file_name"],
        "sha256sum": download["sha256sum"],
        "file_type": download.get("file_purpose"),
        "content_hash": download.get("content_hash"),
    }
    return {key: value for key, value in entry.items() if value is not None}


def fresh_download(download: Record) -> Record:
    """Return the download entry of a v2 download."""
    return {"file_name": download["file_name"], "file_path": "", "file_url": download["file_url"]}


def legacy_value(field: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a legacy image record holds for a v2 field; None: the key is left out."""
    if field == "baseline":
        return legacy_baseline(value)
    return None if field in OMITTED_WHEN_EMPTY and not value else value


def _fresh_image(record: Record) -> Record:
    legacy = {field: legacy_value(field, record.get(field)) for field in IMAGE_FIELDS}
    legacy |= {
        "baseline": legacy_value("baseline", record["baseline"]),
        "type": FRESH_TYPES[MODEL_REFERENCE_CATEGORY.image_generation],
        "download_all": False,
        "config": fresh_config(record["config"]),
    }
    cleaned: Record = without_nulls(legacy)
    return in_order(cleaned, IMAGE_KEYS)

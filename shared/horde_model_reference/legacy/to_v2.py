"""Legacy records to v2 records (data-model.md section 5)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from horde_model_reference.documents import Conversion, Record, Rejection, Remark
from horde_model_reference.legacy.records import LEGACY_RECORD_TYPES, LegacyRecord
from horde_model_reference.legacy.remarks import remarks_on
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_consts.image import LEGACY_BASELINES
from horde_model_reference.model_reference_records import UNKNOWN_SHA256
from horde_model_reference.strict_json import find_flaw, printable
from horde_model_reference.v2_format import RecordInvalid, is_yaml, validate_record

COMMON_FIELDS: Final = ("name", "description", "version")
IMAGE_FIELDS: Final = (
    *("inpainting", "optimization", "tags", "showcases", "min_bridge_version", "trigger", "homepage"),
    *("style", "requirements", "features_not_supported", "size_on_disk_bytes"),
)
"""Fields that are spelled the same in both formats, besides the common ones."""

SLOW_HOST: Final = "civitai"


def convert_legacy(category: str, legacy: Mapping[str, Any]) -> Conversion:
    """Convert the records of a JSON category; the v2 key is the legacy key.

    A record that is not valid is left out and listed with its path and reason. Timestamps are not added.
    """
    records: dict[str, Record] = {}
    rejected: list[Rejection] = []
    remarks: list[Remark] = []
    for key, record in legacy.items():
        try:
            records[key] = converted = convert_legacy_record(category, key, record)
        except RecordInvalid as error:
            rejected.append(Rejection(printable(key), error.path, error.reason))
        else:
            remarks += remarks_on(category, key, record, converted)
    return Conversion(records, tuple(rejected), tuple(remarks))


def convert_legacy_record(category: str, key: str, legacy: Any) -> Record:  # noqa: ANN401 - any JSON value
    """Convert one record. Raises `RecordInvalid` with the path below the record."""
    if not isinstance(legacy, dict):
        raise RecordInvalid(category, key, "", "is not an object")
    if find_flaw(key):
        raise RecordInvalid(category, key, "", "the name holds a lone surrogate")
    try:
        LEGACY_RECORD_TYPES.get(category, LegacyRecord).model_validate(legacy)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in problem["loc"])
        raise RecordInvalid(category, key, path, problem["msg"].removeprefix("Value error, ")) from error
    record = {field: legacy.get(field) for field in COMMON_FIELDS}
    record["config"] = _convert_config(category, key, legacy.get("config") or {})
    return validate_record(category, key, {**record, **_own_fields(category, legacy)})


def _own_fields(category: str, legacy: Record) -> Record:
    match category:
        case MODEL_REFERENCE_CATEGORY.image_generation:
            baseline = legacy["baseline"]
            return {
                **{field: legacy.get(field) for field in IMAGE_FIELDS},
                "baseline": LEGACY_BASELINES.get(baseline, baseline),
                "nsfw": False if legacy.get("nsfw") is None else legacy["nsfw"],
            }
        case MODEL_REFERENCE_CATEGORY.clip:
            return {"pretrained_name": legacy.get("pretrained_name")}
        case MODEL_REFERENCE_CATEGORY.controlnet:
            return {"controlnet_style": legacy.get("type") or legacy.get("style")}
        case _:
            return {}


def _convert_config(category: str, key: str, config: Record) -> Record:
    files: dict[str, Record] = {}
    for item in config.get("files") or []:
        path = item["path"]
        if path and not is_yaml(path):
            files[path] = {  # a later entry of the same path takes the place of the earlier one
                "file_name": path,
                "file_url": "",
                "sha256sum": item.get("sha256sum") or UNKNOWN_SHA256,
                "content_hash": item.get("content_hash"),
                "file_purpose": item.get("file_type"),
            }
    for index, item in enumerate(config.get("download") or []):
        where = f"config.download.{index}"
        if item["file_name"] not in files:
            raise RecordInvalid(category, key, f"{where}.file_name", "there is no file of that name")
        file_url = item.get("file_url") or ""
        _require_url(category, key, f"{where}.file_url", file_url)
        files[item["file_name"]]["file_url"] = file_url
    for item in files.values():
        item["known_slow_download"] = _is_slow(item["file_name"], item["file_url"])
    return {
        "download": list(files.values()),
        "embedded_component_hashes": config.get("embedded_component_hashes"),
    }


def _require_url(category: str, key: str, path: str, file_url: str) -> None:
    try:
        urlsplit(file_url)
    except ValueError as error:
        raise RecordInvalid(category, key, path, f"is not a URL: {error}") from error


def _is_slow(path: str, file_url: str) -> bool:
    host = urlsplit(file_url).hostname or ""
    return SLOW_HOST in host.lower() or SLOW_HOST in path.lower()

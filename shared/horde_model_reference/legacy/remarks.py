"""What is odd about a legacy record that can be converted (data-model.md section 5, end)."""

from collections.abc import Iterator
from typing import Any, Final

from horde_model_reference.documents import Record, Remark
from horde_model_reference.legacy.records import FRESH_TYPES, OTHER_KNOWN_TYPES
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_consts.image import CONTROLNET_STYLES, legacy_baseline
from horde_model_reference.strict_json import printable
from horde_model_reference.v2_format import is_yaml
from horde_model_reference.validation_policy import Severity, severity_of

SHA256_HEX_LENGTH: Final = 64
STANDARD_YAML: Final = frozenset({"v1-inference.yaml", "v2-inference-v.yaml"})


def remarks_on(category: str, key: str, legacy: Record, record: Record) -> tuple[Remark, ...]:
    """Return the remarks on a legacy record under `key`, which became the v2 `record`."""
    found = [*_on_texts(key, legacy), *_on_files(category, legacy.get("config") or {})]
    found += _on_type(category, legacy, record)
    if category == MODEL_REFERENCE_CATEGORY.image_generation:
        found += _on_image(legacy, record)
    return tuple(Remark(printable(key), code, printable(message)) for code, message in found)


def _on_texts(key: str, legacy: Record) -> Iterator[tuple[str, str]]:
    if legacy["name"] != key:
        yield "name_mismatch", f"the name is {legacy['name']!r}"
    if not legacy.get("description"):
        yield "missing_description", "there is no description"


def _on_files(category: str, config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    downloads = config.get("download") or []
    sources = {item["file_name"]: item.get("file_url") for item in downloads}
    for item in config.get("files") or []:
        path = item["path"]
        if is_yaml(path):
            if path not in STANDARD_YAML:
                yield "nonstandard_yaml", f"{path} is not one of the usual YAML files"
            continue
        if path and path not in sources:
            yield "unused_file", f"{path} has no download entry"
        yield from _on_hash(path, item.get("sha256sum"))
    if category != MODEL_REFERENCE_CATEGORY.clip:
        yield from (
            ("missing_url", f"{name} has no file_url") for name, file_url in sources.items() if not file_url
        )


def _on_hash(path: str, sha256sum: str | None) -> Iterator[tuple[str, str]]:
    if not sha256sum:
        if not path.lower().endswith(".json"):
            yield "missing_hash", f"{path} has no sha256sum"
    elif len(sha256sum) != SHA256_HEX_LENGTH:
        yield "bad_hash_length", f"the sha256sum of {path} has {len(sha256sum)} characters"


def _on_type(category: str, legacy: Record, record: Record) -> Iterator[tuple[str, str]]:
    if category == MODEL_REFERENCE_CATEGORY.controlnet:
        style = record.get("controlnet_style")
        checked = severity_of(category, "controlnet_style") is Severity.warning
        if checked and style is not None and not CONTROLNET_STYLES.is_known(style):
            yield "unknown_type", f"{style!r} is not a known ControlNet style"
        return
    kind = legacy.get("type")
    known = {FRESH_TYPES.get(category), *OTHER_KNOWN_TYPES.get(category, ())}
    if kind and (not isinstance(kind, str) or kind not in known):
        yield "unknown_type", f"{kind!r} is not a known type"


def _on_image(legacy: Record, record: Record) -> Iterator[tuple[str, str]]:
    spelling = legacy_baseline(record["baseline"])
    if legacy["baseline"] != spelling:
        yield "unknown_baseline_spelling", f"{legacy['baseline']!r} is usually spelled {spelling!r}"
    if not legacy.get("showcases"):
        yield "missing_showcases", "there are no showcases"

"""Is a stable_diffusion.json canonical? The CI of the image repository asks this of every change."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from horde_model_reference.documents import Record, SourceUnreadable
from horde_model_reference.legacy.format import render_legacy
from horde_model_reference.legacy.key_order import (
    CONFIG_KEYS,
    DOWNLOAD_KEYS,
    FILE_KEYS,
    IMAGE_KEYS,
    without_nulls,
)
from horde_model_reference.legacy.to_v2 import convert_legacy
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.strict_json import parse_json_object

log = logging.getLogger(__name__)

CANONICAL_KEYS: Final = tuple(key for key in IMAGE_KEYS if key != "min_bridge_version")
"""`min_bridge_version` is understood, but has no place in the canonical form (data-model.md section 4)."""

_DEFAULTS: Final = {"type": "ckpt", "inpainting": False, "config": {}}


def validate_legacy_stable_diffusion_db(path: Path | str, *, fail_on_extra: bool = False) -> bool:
    """Return whether the file is byte for byte in the canonical form and all of its records are valid.

    `fail_on_extra` also refuses unknown keys in file and download entries; anywhere else they are never
    canonical. What is wrong is logged. Raises `OSError` when the file cannot be read.
    """
    body = Path(path).read_bytes()
    try:
        records = parse_json_object(body, Path(path).name)
    except SourceUnreadable as error:
        log.warning("%s", error)
        return False
    rejected = convert_legacy(MODEL_REFERENCE_CATEGORY.image_generation, records).rejected
    for item in rejected:
        log.warning("%s: %s: %s", item.name, item.path, item.reason)
    if rejected:
        return False
    extra = [name for name, record in records.items() if _has_extra(record)] if fail_on_extra else []
    for name in extra:
        log.warning("%s: unknown keys", name)
    canonical = render_legacy({name: canonical_record(record) for name, record in records.items()})
    if body != canonical:
        log.warning("%s differs from the canonical form", Path(path).name)
    return body == canonical and not extra


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `validate-sd-models`; return the exit status.

    0 if the file was canonical as it was found, else 1; also for a file that cannot be read or written.
    """
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        is_canonical = validate_legacy_stable_diffusion_db(given.file)
        if given.write is not None:
            given.write.write_bytes(_canonical_body(given.file))
    except (OSError, SourceUnreadable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{given.file} is {'canonical' if is_canonical else 'not canonical'}\n")
    return 0 if is_canonical else 1


def canonical_record(record: Record) -> Record:
    """Return a legacy image record in canonical form: known keys in order, without nulls."""
    completed = {**_DEFAULTS, **{key: value for key, value in record.items() if value is not None}}
    completed["config"] = _only(completed["config"], CONFIG_KEYS)
    cleaned: Record = without_nulls(_only(completed, CANONICAL_KEYS))
    return cleaned


def _only(target: Record, keys: tuple[str, ...]) -> Record:
    return {key: target[key] for key in keys if key in target}


def _has_extra(record: Record) -> bool:
    config: dict[str, Any] = record.get("config") or {}
    files = any(item.keys() - set(FILE_KEYS) for item in config.get("files") or [])
    downloads = any(item.keys() - set(DOWNLOAD_KEYS) for item in config.get("download") or [])
    unknown = record.keys() - set(IMAGE_KEYS) or config.keys() - set(CONFIG_KEYS)
    return bool(unknown) or files or downloads


def _canonical_body(path: Path) -> bytes:
    records = parse_json_object(path.read_bytes(), path.name)
    if convert_legacy(MODEL_REFERENCE_CATEGORY.image_generation, records).rejected:
        raise SourceUnreadable(f"{path.name} holds invalid records; its canonical form is not written")
    return render_legacy({name: canonical_record(record) for name, record in records.items()})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="validate-sd-models",
        description="Says whether a legacy stable_diffusion.json is in its canonical form, byte for byte.",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--write", type=Path, metavar="OUT", help="also write the canonical form there")
    return parser

"""Small helpers of the contract (python-client.md section 12)."""

import json
from pathlib import Path

from horde_model_reference.files.whole import replace_file
from horde_model_reference.meta_consts import showcase_folder_name


def model_name_to_showcase_folder_name(model_name: str) -> str:
    """Return the folder of a model's showcases: lower case, without apostrophes, other signs as `_`."""
    return showcase_folder_name(model_name)


def atomic_write_json(path: str | Path, payload: object, *, ensure_ascii: bool = True) -> None:
    """Write a value as JSON; the folders are made. Readers see the old file or the new one, never a part.

    Raises `TypeError` or `ValueError` for what JSON cannot hold and `OSError`; then the old file stays.
    """
    target = Path(path)
    body = json.dumps(payload, ensure_ascii=ensure_ascii, indent=4).encode("utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, body, durable=True)

"""Small files that are either wholly there or not at all."""

import contextlib
import secrets
from pathlib import Path


def write_atomically(path: Path, body: bytes) -> None:
    """Put a file in place in one step. Raises `OSError`, and then what was there before is still there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        draft.write_bytes(body)
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise

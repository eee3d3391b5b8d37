"""Which texts are keys of objects."""

import re
from typing import Final

MAX_KEY_CHARACTERS: Final = 512

_KEY: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,200}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,200})*")


def check_key(key: str) -> None:
    """Raise `ValueError` unless every adapter can hold an object under this key.

    Decided by the text alone: parts of ASCII letters, digits, `.`, `_` and `-` that do not start with a
    dot or a dash, joined by `/`.
    """
    if len(key) > MAX_KEY_CHARACTERS or not _KEY.fullmatch(key):
        raise ValueError(f"not a key: {key[:MAX_KEY_CHARACTERS]!r}")


def check_prefix(prefix: str) -> None:
    """Raise `ValueError` unless the text names one folder, with the slash at its end."""
    if not prefix.endswith("/"):
        raise ValueError(f"not a folder: {prefix[:MAX_KEY_CHARACTERS]!r}")
    check_key(prefix[:-1])

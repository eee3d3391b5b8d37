"""Which reference model a name of the AI-Horde means (aihorde-api.md section 5.2)."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from horde_model_reference.meta_consts import TEXT_BACKENDS

MAX_TAILS: Final = 3
"""So many quantisation tails are removed at most."""

_TAIL: Final = re.compile(
    r"(?:[-_. ](?:i\d+-)?i?q\d(?:_[a-z0-9]+)*"
    r"|[-_.](?:gguf|ggml|gptq|awq|exl2|exl3|fp8|fp16|fp32|bf16|int4|int8)(?:-?\d+bit|-int\d+)?"
    r"|[-_]\d+(?:\.\d+)?bpw)$"
)
_PREFIXES: Final = tuple(f"{backend}/" for backend in TEXT_BACKENDS)


class ImageModelNames:
    """Image models have one name each; letter case does not matter."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = _by_lower_case(names)

    def owner(self, horde_name: str) -> str | None:
        """Return the reference name, None when no model has it."""
        return self._names.get(horde_name.lower())


class TextModelNames:
    """Text models are announced with backend prefixes, without authors, with quantisation and owner tails."""

    def __init__(self, names: Iterable[str]) -> None:
        known = list(names)
        self._names = _by_lower_case(known)
        self._short_names = _unambiguous(known)

    def owner(self, horde_name: str) -> str | None:
        """Return the reference name, None when no model has it. No name means two models."""
        rest = _without_prefix(_without_owner(horde_name).lower())
        for _ in range(MAX_TAILS + 1):
            found = self._look_up(rest)
            if found is not None:
                return found
            rest = _TAIL.sub("", rest)
        return None

    def _look_up(self, name: str) -> str | None:
        behind = name.partition("/")[2]
        return self._names.get(name) or self._short_names.get(name) or self._short_names.get(behind)


def _by_lower_case(names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.lower(), name)
    return found


def _unambiguous(names: Sequence[str]) -> dict[str, str]:
    """Return the part behind the author to the name, for the parts that only one model has."""
    owners: dict[str, set[str]] = {}
    for name in names:
        _, slash, behind = name.partition("/")
        owners.setdefault((behind if slash else name).lower(), set()).add(name)
    return {short: owner for short, (owner, *others) in owners.items() if not others}


def _without_owner(name: str) -> str:
    return name.partition("::")[0] if name.count("::") == 1 else name


def _without_prefix(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name

"""Which reference model a name of the AI-Horde means, and what runs it (aihorde-api.md section 5.2)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from horde_model_reference.meta_consts import TEXT_BACKENDS

MAX_TAILS: Final = 3
"""So many quantisation tails are removed at most."""

MAX_LENGTH: Final = 500
"""Longer names keep their tails: anybody may announce anything, and the search takes quadratic time."""

_TAIL: Final = re.compile(
    r"(?:[-_. ](?:i\d+-)?i?q\d(?:_[a-z0-9]+)*"
    r"|[-_.](?:gguf|ggml|gptq|awq|exl2|exl3|fp8|fp16|fp32|bf16|int4|int8)(?:-?\d+bit|-int\d+)?"
    r"|[-_]\d+(?:\.\d+)?bpw)\Z"
)


class Backend(StrEnum):
    """What runs a model, in the order in which figures are split."""

    CANONICAL = "canonical"
    APHRODITE = "aphrodite"
    KOBOLDCPP = "koboldcpp"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Attribution:
    """The reference model that a name means; CANONICAL is a name without a prefix of a backend."""

    model: str
    backend: Backend


_BACKENDS: Final = {f"{backend}/": Backend(backend) for backend in TEXT_BACKENDS}


class ImageModelNames:
    """Image models have one name each; letter case does not matter."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = _by_lower_case(names)

    def attribute(self, horde_name: str) -> Attribution | None:
        """Return the model of that name, None when there is none."""
        model = self._names.get(horde_name.lower())
        return None if model is None else Attribution(model, Backend.CANONICAL)


class TextModelNames:
    """Text models are announced with backend prefixes, without authors, with quantisation and owner tails."""

    def __init__(self, names: Iterable[str]) -> None:
        known = list(names)
        self._names = _by_lower_case(known)
        self._short_names = _unambiguous(known)

    def attribute(self, horde_name: str) -> Attribution | None:
        """Return the model that is meant, None when it is none of ours. No name means two models."""
        backend, rest = _without_prefix(_without_owner(horde_name).lower())
        for _ in range(MAX_TAILS + 1):
            model = self._names.get(rest, self._short_names.get(rest))
            if model is not None:
                return Attribution(model, backend or Backend.CANONICAL)
            _, slash, behind = rest.partition("/")
            model = self._short_names.get(behind) if slash else None
            if model is not None:
                return Attribution(model, backend or Backend.OTHER)
            rest = _without_tail(rest)
        return None


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


def _without_tail(name: str) -> str:
    return name if len(name) > MAX_LENGTH else _TAIL.sub("", name)


def _without_prefix(name: str) -> tuple[Backend | None, str]:
    for prefix, backend in _BACKENDS.items():
        if name.startswith(prefix):
            return backend, name.removeprefix(prefix)
    return None, name

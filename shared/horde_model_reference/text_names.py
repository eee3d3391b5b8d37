"""Names of text models: their parts, and the group they belong to (data-model.md section 8).

Every pattern needs time linear in the length of the name: quantifiers of digits are possessive, and a size
can begin at no more than two places in a run of digits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from horde_model_reference.text_backend_names import strip_backend_prefix


class ExtraPartType(StrEnum):
    """What an additional part of a name is. Only DATE and LEADING_VERSION are ever found by the parser."""

    DATE = "DATE"
    DESCRIPTOR = "DESCRIPTOR"
    LEADING_VERSION = "LEADING_VERSION"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class NameExtra:
    """An additional part; `position` counts the separators before it in the whole name."""

    value: str
    position: int
    inferred_type: ExtraPartType


@dataclass(frozen=True, slots=True)
class ParsedTextName:
    """The parts of a name. Size and quant are upper case, version and variant are as written."""

    original_name: str
    base_name: str
    size: str | None = None
    variant: str | None = None
    quant: str | None = None
    version: str | None = None
    extras: tuple[NameExtra, ...] = ()


LEADING_VERSION: Final = re.compile(r"(\d++(?:\.\d++){1,2}+)[-_]")

NUMBER_START: Final = r"(?:(?<![a-zA-Z\d])|(?<=[a-zA-Z]\d))"
"""A size may not follow a letter, but it may begin inside a number: after a letter, at the second digit.

It could as well begin at any later digit; but where the first fails, those fail too.
"""

EXPERTS_SIZE: Final = re.compile(NUMBER_START + r"\d++x\d++[BMK](?![a-zA-Z])", re.IGNORECASE)
SIZE: Final = re.compile(NUMBER_START + r"\d++(?:\.\d++)?+[BMK]\d*(?![a-zA-Z])", re.IGNORECASE)

SIZES: Final = (EXPERTS_SIZE, SIZE)
ESTABLISHED_SIZES: Final = (SIZE, EXPERTS_SIZE)
"""The order in which the existing catalogue was grouped: it takes 8x22B for 2B and leaves 8x2 in the base."""

VERSIONS: Final = (
    re.compile(r"(?<![a-zA-Z0-9])[vV]\d+(?:\.\d+)+(?![a-zA-Z0-9])"),
    re.compile(r"(?<![a-zA-Z0-9])[vV]\d++(?![a-zA-Z.])"),
)
QUANTS: Final = tuple(
    re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for words in (
        "Q[2-8]_K(?:_[SMLH])?",
        "Q[2-8]_[01]",
        "Q[2-8]",
        "GGUF|GGML|GPTQ|AWQ|EXL2",
        "fp16|fp32|int8|int4",
    )
)
VARIANTS: Final = tuple(
    re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for words in (
        "Instruct|Chat|Code|Base|Uncensored|Finetune|FT",
        "Thinking|Reasoning",
        "turbo|preview|latest",
    )
)
DATES: Final = tuple(
    re.compile(rf"(?<![a-zA-Z0-9]){digits}(?![a-zA-Z0-9])")
    for digits in (r"\d{2}-\d{4}", r"\d{4}-\d{2}", r"\d{4}")
)
SEPARATORS: Final = "-_. "
SEPARATOR_RUNS: Final = re.compile(r"-{2,}|_{2,}| {2,}|\.{2,}")
NORMALIZED_RUNS: Final = re.compile(r"[-_ .]+")


class _Remainder:
    """What is left of a name while parts are cut out, and where it stood in the whole name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = name
        self._cuts: list[tuple[int, int]] = []

    def take(self, patterns: Sequence[re.Pattern[str]]) -> tuple[str, int] | None:
        """Cut out the first match of the first pattern that has one; gives it and its place in the name."""
        for pattern in patterns:
            match = pattern.search(self.text)
            if match is not None:
                start, end = match.span()
                return match.group(), self.cut(start, end)
        return None

    def cut(self, start: int, end: int) -> int:
        """Remove a piece and return its place in the whole name."""
        self.text = self.text[:start] + self.text[end:]
        place = start
        for cut_start, length in reversed(self._cuts):
            if place >= cut_start:
                place += length
        self._cuts.append((start, end - start))
        return place

    def separators_before(self, place: int) -> int:
        """Count the separators of the whole name before a place in it."""
        return sum(self.name.count(separator, 0, place) for separator in SEPARATORS)


def parse_text_name(name: str) -> ParsedTextName:
    """Take a name apart. Never fails; the base of a name is never empty unless the name is.

    A publisher or backend prefix in the name stays in the base. Each part is cut out before the next is
    looked for; of every kind only the first is taken (data-model.md section 8).
    """
    return _parse(name, SIZES)


def _parse(name: str, sizes: Sequence[re.Pattern[str]]) -> ParsedTextName:
    rest = _Remainder(name)
    extras = []
    leading = LEADING_VERSION.match(name)
    if leading is not None:
        rest.cut(0, leading.end())
        extras.append(NameExtra(leading.group(1), 0, ExtraPartType.LEADING_VERSION))
    size = rest.take(sizes)
    version = rest.take(VERSIONS)
    quant = rest.take(QUANTS)
    variant = rest.take(VARIANTS)
    date = rest.take(DATES)
    if date is not None:
        extras.append(NameExtra(date[0], rest.separators_before(date[1]), ExtraPartType.DATE))
    base = SEPARATOR_RUNS.sub(_first_character, rest.text).strip(SEPARATORS)
    return ParsedTextName(
        original_name=name,
        base_name=base or name,
        size=size[0].upper() if size else None,
        variant=variant[0] if variant else None,
        quant=quant[0].upper() if quant else None,
        version=version[0] if version else None,
        extras=tuple(extras),
    )


def group_of(name: str) -> str:
    """Return the group that a name suggests: its base, without one backend prefix and the publisher."""
    return parse_text_name(without_publisher(strip_backend_prefix(name))).base_name


def established_group_of(name: str) -> str:
    """Return the group under which the existing catalogue files a name.

    It differs from `group_of` for mixtures of experts: Mixtral-8x22B is filed under Mixtral-8x2, apart from
    Mixtral-8x7B under Mixtral. Groups are identities that aliases, families and naming schemas refer to, so
    records keep these names although their sizes are read as what they are.
    """
    return _parse(without_publisher(strip_backend_prefix(name)), ESTABLISHED_SIZES).base_name


def publisher_of(name: str) -> str | None:
    """Return the part of a name before its first slash, None where it has none."""
    publisher, slash, _ = name.partition("/")
    return publisher if slash else None


def without_publisher(name: str) -> str:
    """Return the part of a name after its first slash, or the whole name."""
    _, slash, rest = name.partition("/")
    return rest if slash else name


def normalized_name(name: str) -> str:
    """Return the name in lower case with every run of separators as one underscore; slashes stay."""
    return NORMALIZED_RUNS.sub("_", name.lower()).strip("_")


def is_quantized(name: str) -> bool:
    """Tell whether a quantisation stands in the name."""
    return any(pattern.search(name) for pattern in QUANTS)


def without_quants(name: str) -> str:
    """Return the name without its words for quantisations."""
    for pattern in QUANTS:
        name = pattern.sub("", name)
    return name


def model_name_of(name: str) -> str:
    """Return the second part of the name split at slashes, the whole name when there is no slash."""
    parts = name.split("/", 2)
    return parts[1] if len(parts) > 1 else name


def default_display_name(name: str) -> str:
    """Return the display name that a model has when none is given (data-model.md section 7)."""
    words = model_name_of(name).replace("-", " ").replace("_", " ").split(" ")
    return " ".join(filter(None, words)).strip()


def _first_character(run: re.Match[str]) -> str:
    return run.group()[0]

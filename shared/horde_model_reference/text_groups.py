"""Groups of text models: which names belong together, and how the names of a group are composed.

The rules are in data-model.md section 8.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from horde_model_reference.text_names import (
    ParsedTextName,
    established_group_of,
    parse_text_name,
    publisher_of,
    without_publisher,
    without_quants,
)

DEFAULT_SEPARATOR: Final = "-"
DEFAULT_PART_ORDER: Final = ("base", "size", "variant", "version", "quant")
DEFAULT_TEMPLATE: Final = "{base}-{size}"
REQUIRED_PARTS: Final = frozenset({"base", "size"})
"""Parts of a composed name that keep their place even when they are empty."""

MAGNITUDE: Final = re.compile(r"(?:(\d+)[xX])?(\d+(?:\.\d+)?)([KMBkmb])")
BILLIONS_OF_UNIT: Final[Mapping[str, float]] = {"K": 1e-6, "M": 1e-3, "B": 1.0}


@dataclass(frozen=True, slots=True)
class NameFormat:
    """How the names of a group are built.

    `part_order` holds the words base, size, variant, version, quant, and `extra:` with the type of an extra.
    """

    separator: str
    part_order: tuple[str, ...]
    author_included: bool
    common_author: str | None
    template: str
    extra_parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NameParts:
    """What a name is composed of. Empty and absent optional parts are the same."""

    base: str
    size: str
    variant: str | None = None
    version: str | None = None
    quant: str | None = None
    author: str | None = None


def group_names(
    names: Iterable[str], canonical_groups: Mapping[str, str] | None = None
) -> dict[str, list[str]]:
    """Sort names into the groups of the catalogue; groups and names keep the order of the input.

    `canonical_groups` maps the name of an alias group to the group it stands for (one step, no chains).
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        group = established_group_of(name)
        if canonical_groups is not None:
            group = canonical_groups.get(group, group)
        groups.setdefault(group, []).append(name)
    return groups


def infer_name_format(names: Sequence[str]) -> NameFormat:
    """Infer how the names of a group are built from its canonical names (without backend prefixes)."""
    if not names:
        return NameFormat(DEFAULT_SEPARATOR, DEFAULT_PART_ORDER, False, None, DEFAULT_TEMPLATE)
    publishers = {publisher: None for name in names if (publisher := publisher_of(name))}
    bare_names = [without_publisher(name) for name in names]
    parsed = [parse_text_name(name) for name in bare_names]
    separator = _prevailing_separator(bare_names)
    part_order = _part_order(max(parsed, key=_part_count))
    return NameFormat(
        separator=separator,
        part_order=part_order,
        author_included=bool(publishers),
        common_author=next(iter(publishers)) if len(publishers) == 1 else None,
        template=_template(bool(publishers), part_order, separator),
        extra_parts=tuple(dict.fromkeys(extra.inferred_type.value for one in parsed for extra in one.extras)),
    )


def compose_name(
    parts: NameParts, *, separator: str | None = None, part_order: Sequence[str] | None = None
) -> str:
    """Join the parts in the given order, the author in front with a slash (http-read-api.md section 8.4).

    Words of `part_order` that are no part or have no value are skipped; a repeated word repeats its part. An
    empty separator or order stands for the default. Empty optional parts are left out, base and size are not.
    """
    values = {
        "base": parts.base,
        "size": parts.size,
        "variant": parts.variant,
        "version": parts.version,
        "quant": parts.quant,
    }
    used = [
        values[part] or ""
        for part in part_order or DEFAULT_PART_ORDER
        if values.get(part) or part in REQUIRED_PARTS
    ]
    name = (separator or DEFAULT_SEPARATOR).join(used)
    return f"{parts.author}/{name}" if parts.author else name


def size_in_billions(size: str) -> float:
    """Return the magnitude of a size: K = 1e-6, M = 1e-3, B = 1, AxB multiplied, anything else 0."""
    match = MAGNITUDE.fullmatch(size)
    if match is None:
        return 0.0
    experts, number, unit = match.groups()
    return float(experts or 1) * float(number) * BILLIONS_OF_UNIT[unit.upper()]


def _prevailing_separator(bare_names: Iterable[str]) -> str:
    underscores = hyphens = 0
    for name in bare_names:
        rest = without_quants(name)
        underscores += rest.count("_")
        hyphens += rest.count("-")
    return "_" if underscores > hyphens else "-"


def _part_count(parsed: ParsedTextName) -> int:
    parts = (parsed.size, parsed.variant, parsed.version, parsed.quant)
    return sum(part is not None for part in parts) + len(parsed.extras)


def _part_order(parsed: ParsedTextName) -> tuple[str, ...]:
    """Sort the parts by first occurrence; one that is no contiguous piece of the name is left out."""
    name = parsed.original_name.lower()
    parts = [
        ("base", parsed.base_name),
        ("size", parsed.size),
        ("variant", parsed.variant),
        ("version", parsed.version),
        ("quant", parsed.quant),
        *((f"extra:{extra.inferred_type.value}", extra.value) for extra in parsed.extras),
    ]
    places = [(name.find(value.lower()), part) for part, value in parts if value is not None]
    return tuple(part for place, part in sorted(places, key=lambda found: found[0]) if place >= 0)


def _template(author_included: bool, part_order: Iterable[str], separator: str) -> str:
    parts = separator.join(f"{{{part}}}" for part in part_order)
    return "{author}/" + parts if author_included else parts

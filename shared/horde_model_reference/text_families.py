"""Families of text model groups: suggested from what their names have in common (data-model.md section 8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MIN_PREFIX_LENGTH: Final = 3
MIN_FAMILY_SIZE: Final = 2


@dataclass(frozen=True, slots=True)
class Family:
    """Groups that belong together; the members are sorted by code point."""

    family_name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FamilySuggestions:
    """Suggested families, sorted by name, and how many of the groups they take in."""

    suggestions: tuple[Family, ...]
    total_groups_analyzed: int
    groups_in_families: int

    @property
    def standalone_groups(self) -> int:
        """The number of groups in no suggested family."""
        return self.total_groups_analyzed - self.groups_in_families


def suggest_families(
    groups: Iterable[str],
    *,
    min_prefix_length: int = MIN_PREFIX_LENGTH,
    min_family_size: int = MIN_FAMILY_SIZE,
) -> FamilySuggestions:
    """Suggest families among the groups; the longest common beginning wins.

    What stands before a hyphen of a group's name is a candidate, so a group is no member of the family that
    bears its own name (http-read-api.md section 8.5).
    """
    names = sorted(set(groups))
    candidates: dict[str, list[str]] = {}
    for name in names:
        for prefix in _prefixes(name, min_prefix_length):
            candidates.setdefault(prefix, []).append(name)
    claimed: set[str] = set()
    families: list[Family] = []
    for prefix in sorted(
        candidates, key=len, reverse=True
    ):  # stable: equal lengths stay in order of appearance
        members = [name for name in candidates[prefix] if name not in claimed]
        if len(members) >= min_family_size:
            claimed.update(members)
            families.append(Family(prefix, tuple(members)))
    families.sort(key=lambda family: family.family_name)
    return FamilySuggestions(tuple(families), len(names), len(claimed))


def _prefixes(name: str, min_length: int) -> Iterable[str]:
    end = name.find("-")
    while end >= 0:
        if end >= min_length:
            yield name[:end]
        end = name.find("-", end + 1)

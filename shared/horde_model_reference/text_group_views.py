"""What the members of a text model group share and where they differ (http-read-api.md section 8)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.text_backend_names import backend_of, strip_backend_prefix
from horde_model_reference.text_groups import NameFormat, infer_name_format, size_in_billions
from horde_model_reference.text_names import ParsedTextName, parse_text_name

COMMON_FIELDS: Final = ("baseline", "description", "url", "nsfw", "tags", "style", "instruct_format")


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A model of a group. `parsed` are the parts of its name without backend prefix, publisher included."""

    name: str
    record: Record
    parsed: ParsedTextName
    backend_prefix: str | None = None

    @property
    def is_backend_duplicate(self) -> bool:
        """The name carries the prefix of a back end: it repeats another model."""
        return self.backend_prefix is not None


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group at a glance. All but `members` and `exceptions` speak of the canonical members only.

    The tuples hold each value once; None stands for members without one and comes first. The sizes are sorted
    by what they mean, the others as text. The usages count the members with a value. `exceptions` are the
    members that give a reason why their name breaks the naming schema, with that reason.
    """

    group_name: str
    members: tuple[GroupMember, ...]
    canonical: tuple[GroupMember, ...]
    common_fields: Mapping[str, Any]
    available_sizes: tuple[str, ...]
    available_variants: tuple[str | None, ...]
    available_quants: tuple[str | None, ...]
    available_versions: tuple[str | None, ...]
    size_usage: Mapping[str, int]
    variant_usage: Mapping[str, int]
    quant_usage: Mapping[str, int]
    name_format: NameFormat
    exceptions: tuple[tuple[str, str], ...]

    @property
    def canonical_count(self) -> int:
        """The number of members without backend prefix."""
        return len(self.canonical)

    @property
    def backend_duplicate_count(self) -> int:
        """The number of members that only repeat others for a back end."""
        return len(self.members) - len(self.canonical)


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """What v1 adds to each entry of a group; prefixed entries count too. The tuples are sorted as text."""

    member_count: int
    available_sizes: tuple[str, ...]
    available_quants: tuple[str, ...]
    common_baseline: str | None
    any_nsfw: bool
    any_has_description: bool
    merged_tags: tuple[str, ...]
    name_format: NameFormat


def view_groups(records: Mapping[str, Record]) -> dict[str, GroupView]:
    """View all groups of v2 records by their stored name, sorted; records without a group are left out."""
    groups: dict[str, list[GroupMember]] = {}
    for name, record in records.items():
        if group := record.get("text_model_group"):
            groups.setdefault(group, []).append(group_member(name, record))
    return {group: view_group(group, groups[group]) for group in sorted(groups)}


def group_member(name: str, record: Record) -> GroupMember:
    """Make a member of a record."""
    return GroupMember(name, record, parse_text_name(strip_backend_prefix(name)), backend_of(name))


def view_group(group_name: str, members: Sequence[GroupMember]) -> GroupView:
    """View one group."""
    canonical = tuple(member for member in members if not member.is_backend_duplicate)
    parsed = [member.parsed for member in canonical]
    sizes = _usage(parts.size for parts in parsed)
    return GroupView(
        group_name=group_name,
        members=tuple(members),
        canonical=canonical,
        common_fields=common_fields([member.record for member in canonical]),
        available_sizes=tuple(sorted(sizes, key=lambda size: (size_in_billions(size), size))),
        available_variants=_distinct(parts.variant for parts in parsed),
        available_quants=_distinct(parts.quant for parts in parsed),
        available_versions=_distinct(parts.version for parts in parsed),
        size_usage=sizes,
        variant_usage=_usage(parts.variant for parts in parsed),
        quant_usage=_usage(parts.quant for parts in parsed),
        name_format=infer_name_format([member.name for member in canonical]),
        exceptions=tuple(
            (member.name, reason)
            for member in members
            if (reason := member.record.get("name_schema_exception"))
        ),
    )


def common_fields(records: Sequence[Record]) -> dict[str, Any]:
    """Return the fields that all records agree on, without those that are null in all of them."""
    if not records:
        return {}
    first = {field: records[0].get(field) for field in COMMON_FIELDS}
    return {
        field: value
        for field, value in first.items()
        if value is not None and all(record.get(field) == value for record in records)
    }


def summarise_group(entries: Mapping[str, Record]) -> GroupSummary:
    """Summarise the v1 entries of one group; the name format is that of the ones without prefix."""
    members = [group_member(name, entry) for name, entry in entries.items()]
    baselines = {entry["baseline"] for entry in entries.values() if entry.get("baseline")}
    return GroupSummary(
        member_count=len(entries),
        available_sizes=tuple(sorted({size for member in members if (size := member.parsed.size)})),
        available_quants=tuple(sorted({quant for member in members if (quant := member.parsed.quant)})),
        common_baseline=baselines.pop() if len(baselines) == 1 else None,
        any_nsfw=any(entry.get("nsfw") for entry in entries.values()),
        any_has_description=any(entry.get("description") for entry in entries.values()),
        merged_tags=tuple(sorted({tag for entry in entries.values() for tag in entry.get("tags") or ()})),
        name_format=infer_name_format([member.name for member in members if not member.is_backend_duplicate]),
    )


def _usage(values: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(value for value in values if value is not None))


def _distinct(values: Iterable[str | None]) -> tuple[str | None, ...]:
    found = set(values)
    texts = sorted(value for value in found if value is not None)
    return (None, *texts) if None in found else tuple(texts)

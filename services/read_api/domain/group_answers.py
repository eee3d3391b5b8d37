"""Groups of text models as JSON values (http-read-api.md sections 8.2 and 8.3)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from horde_model_reference.text_group_health import HealthIssue, health_issues
from horde_model_reference.text_group_views import GroupMember, GroupView
from horde_model_reference.text_groups import NameFormat
from horde_model_reference.text_names import ParsedTextName
from registry.catalogue import NameSchema, SideData
from service_kit.coding import Effort
from service_kit.documents import Document, compressed_document, json_document
from service_kit.slices import Steps

STORED_FIELDS: Final = (
    "parameters",
    "baseline",
    "nsfw",
    "description",
    "url",
    "style",
    "tags",
    "display_name",
    "instruct_format",
)


@dataclass(frozen=True, slots=True)
class GroupOverview:
    """The documents about all groups."""

    summary: Document
    health: Document


def parsed_name(parsed: ParsedTextName) -> dict[str, Any]:
    """Return the parts of a name."""
    return {
        "base_name": parsed.base_name,
        "size": parsed.size,
        "variant": parsed.variant,
        "quant": parsed.quant,
        "version": parsed.version,
        "extras": [asdict(extra) for extra in parsed.extras],
    }


def name_format(given: NameFormat | NameSchema) -> dict[str, Any]:
    """Return a naming format, saved or inferred."""
    return {
        "separator": given.separator,
        "part_order": list(given.part_order),
        "author_included": given.author_included,
        "common_author": given.common_author,
        "template": given.template,
        "extra_parts": list(given.extra_parts),
    }


def saved_schema(group: str, side_data: SideData, canonical_groups: Mapping[str, str]) -> NameSchema | None:
    """Return the naming schema stored for a group, or for the group it is an alias of."""
    schema = side_data.name_schemas.get(group)
    if schema is None and group in canonical_groups:
        schema = side_data.name_schemas.get(canonical_groups[group])
    return schema


def family_of(group: str, side_data: SideData) -> str | None:
    """Return the family that the group belongs to."""
    return next((family for family, members in side_data.families.items() if group in members), None)


def group_value(view: GroupView, side_data: SideData, canonical_groups: Mapping[str, str]) -> dict[str, Any]:
    """Return everything about one group."""
    schema = saved_schema(view.group_name, side_data, canonical_groups)
    family = family_of(view.group_name, side_data)
    return {
        "group_name": view.group_name,
        "members": [_member(member) for member in view.members],
        "common_fields": view.common_fields,
        "available_sizes": view.available_sizes,
        "available_variants": view.available_variants,
        "available_quants": view.available_quants,
        "available_versions": view.available_versions,
        "size_usage": dict(view.size_usage),
        "variant_usage": dict(view.variant_usage),
        "quant_usage": dict(view.quant_usage),
        "name_format": name_format(schema or view.name_format),
        "name_schema_is_custom": schema is not None,
        "canonical_count": view.canonical_count,
        "backend_duplicate_count": view.backend_duplicate_count,
        "exception_members": [{"name": name, "reason": reason} for name, reason in view.exceptions],
        "related_family": family_value(family, side_data.families[family]) if family else None,
    }


def family_value(name: str, members: tuple[str, ...]) -> dict[str, Any]:
    """Return one family."""
    return {"family_name": name, "members": sorted(members)}


def _member(member: GroupMember) -> dict[str, Any]:
    return {
        "name": member.name,
        "parsed": parsed_name(member.parsed),
        **{field: member.record.get(field) for field in STORED_FIELDS},
        "is_backend_duplicate": member.is_backend_duplicate,
        "backend_prefix": member.backend_prefix,
    }


def overview_steps(views: Iterator[GroupView], side_data: SideData) -> Steps[GroupOverview]:
    """Look at all groups, one after the other, in the order of `views`."""
    describe = _GroupDescriber(side_data)
    summaries: list[dict[str, Any]] = []
    issues: list[HealthIssue] = []
    total_models = 0
    for view in views:
        found = health_issues(view.group_name, [member.record for member in view.canonical])
        summaries.append(describe(view, found))
        issues.extend(found)
        total_models += view.canonical_count
        yield
    summary = {
        "groups": summaries,
        "total_groups": len(summaries),
        "total_models": total_models,
        "groups_with_families": sum(one["family_name"] is not None for one in summaries),
        "groups_with_aliases": sum(bool(one["aliases"] or one["alias_canonical"]) for one in summaries),
        "groups_with_issues": sum(bool(one["health_issues"]) for one in summaries),
    }
    yield
    health = {
        "issues": [asdict(issue) for issue in issues],
        "total_groups_checked": len(summaries),
        "groups_with_issues": summary["groups_with_issues"],
        "issue_counts_by_type": Counter(issue.issue_type for issue in issues),
    }
    yield
    return GroupOverview(summary=_document(summary), health=_document(health))


class _GroupDescriber:
    """Describes groups in a line each; looks up families and aliases without searching for them each time."""

    def __init__(self, side_data: SideData) -> None:
        self._side_data = side_data
        self._families = {group: name for name, members in side_data.families.items() for group in members}
        self._canonical = {
            alias: canonical for canonical, aliases in side_data.aliases.items() for alias in aliases
        }

    def __call__(self, view: GroupView, issues: tuple[HealthIssue, ...]) -> dict[str, Any]:
        group = view.group_name
        alias_canonical = self._canonical.get(group)
        return {
            "group_name": group,
            "canonical_count": view.canonical_count,
            "backend_duplicate_count": view.backend_duplicate_count,
            "has_custom_schema": saved_schema(group, self._side_data, self._canonical) is not None,
            "family_name": self._families.get(group),
            "alias_canonical": alias_canonical,
            "aliases": [] if alias_canonical else sorted(self._side_data.aliases.get(group, ())),
            "available_sizes": sorted(view.available_sizes),
            "health_issues": [asdict(issue) for issue in issues],
        }


def _document(value: object) -> Document:
    return compressed_document(json_document(value), Effort.FAST)

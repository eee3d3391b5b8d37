"""The shapes of the answers, for the description of the API. Answers are not made with these classes."""

from typing import Any, Literal

from pydantic import BaseModel, Field


class Message(BaseModel):
    """A text for people."""

    message: str


class HordeHealth(BaseModel):
    """How calls to the AI-Horde API fare."""

    degraded: bool
    consecutive_failures: int
    seconds_until_retry: float | None


class Heartbeat(BaseModel):
    """A sign of life."""

    status: Literal["ok"]
    ai_horde: HordeHealth


class BackendInfo(BaseModel):
    """What kind of instance this is."""

    replicate_mode: Literal["PRIMARY", "REPLICA"]
    canonical_format: Literal["v2", "legacy"]
    writable: bool


class LastUpdated(BaseModel):
    """Unix seconds of the last change of any category."""

    last_updated: int | None


class CategoryLastUpdated(BaseModel):
    """Unix seconds of the last change of one category."""

    category: str
    last_updated: int


class SearchAnswer(BaseModel):
    """One page of records. A record says `parameters_count` for the `parameters` of a text model."""

    results: list[dict[str, Any]]
    total: int = Field(description="matches before paging")
    offset: int
    limit: int
    has_more: bool


class NamePart(BaseModel):
    """A part of a name beyond the known ones."""

    value: str
    position: int
    inferred_type: Literal["DATE", "LEADING_VERSION", "DESCRIPTOR", "UNKNOWN"]


class NameParts(BaseModel):
    """The parts of a text model's name."""

    base_name: str
    size: str | None
    variant: str | None
    quant: str | None
    version: str | None
    extras: list[NamePart]


class ParsedName(NameParts):
    """A name taken apart, and the group it belongs to."""

    original_name: str
    suggested_group: str


class NameFormat(BaseModel):
    """How the names of a group are composed."""

    separator: str
    part_order: list[str]
    author_included: bool
    common_author: str | None
    template: str | None
    extra_parts: list[str]


class GroupNames(BaseModel):
    """The names of all groups, sorted."""

    groups: list[str]


class GroupMember(BaseModel):
    """A text model as a member of its group."""

    name: str
    parsed: NameParts
    parameters: int | None
    baseline: str | None
    nsfw: bool | None
    description: str | None
    url: str | None
    style: str | None
    tags: list[str] | None
    display_name: str | None
    instruct_format: str | None
    is_backend_duplicate: bool
    backend_prefix: str | None


class ExceptionMember(BaseModel):
    """A member whose name breaks the naming schema, and why."""

    name: str
    reason: str


class Family(BaseModel):
    """Groups that belong together."""

    family_name: str
    members: list[str]


class Group(BaseModel):
    """A group of text models: variants of one base model."""

    group_name: str
    members: list[GroupMember]
    common_fields: dict[str, Any]
    available_sizes: list[str]
    available_variants: list[str | None]
    available_quants: list[str | None]
    available_versions: list[str | None]
    size_usage: dict[str, int]
    variant_usage: dict[str, int]
    quant_usage: dict[str, int]
    name_format: NameFormat
    name_schema_is_custom: bool
    canonical_count: int
    backend_duplicate_count: int
    exception_members: list[ExceptionMember]
    related_family: Family | None


class GroupNameSchema(BaseModel):
    """The naming schema of a group: the saved one, else inferred from its members."""

    group_name: str
    name_schema: NameFormat
    is_custom: bool


class HealthIssue(BaseModel):
    """Something about a group that somebody should look at."""

    group_name: str
    issue_type: str
    message: str
    severity: Literal["warning", "info"]


class GroupSummary(BaseModel):
    """One line about a group."""

    group_name: str
    canonical_count: int
    backend_duplicate_count: int
    has_custom_schema: bool
    family_name: str | None
    alias_canonical: str | None
    aliases: list[str]
    available_sizes: list[str]
    health_issues: list[HealthIssue]


class GroupsSummary(BaseModel):
    """All groups at a glance."""

    groups: list[GroupSummary]
    total_groups: int
    total_models: int
    groups_with_families: int
    groups_with_aliases: int
    groups_with_issues: int


class GroupsHealth(BaseModel):
    """The issues of all groups."""

    issues: list[HealthIssue]
    total_groups_checked: int
    groups_with_issues: int
    issue_counts_by_type: dict[str, int]


class Baselines(BaseModel):
    """The distinct baselines of the text models, sorted."""

    baselines: list[str]


class ComposedName(BaseModel):
    """A name made of parts."""

    composed_name: str
    already_exists: bool
    suggested_group: str


class Alias(BaseModel):
    """Other names of a group."""

    canonical: str
    aliases: list[str]


class Aliases(BaseModel):
    """All aliases, sorted by the canonical name."""

    entries: list[Alias]


class Families(BaseModel):
    """All families, sorted by name."""

    families: list[Family]


class FamilySuggestions(BaseModel):
    """Families that the names of the groups suggest."""

    suggestions: list[Family]
    total_groups_analyzed: int
    groups_in_families: int
    standalone_groups: int

"""The text models of a revision by group, and the answers about all of them (http-read-api.md section 8)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from horde_model_reference.text_group_views import GroupMember, GroupView, group_member, view_group
from horde_model_reference.text_names import established_group_of
from read_api.domain.group_answers import GroupOverview, overview_steps
from read_api.domain.legacy_groups import legacy_with_groups_steps
from read_api.domain.records import StoredRecord
from registry.catalogue import SideData
from service_kit.documents import Document
from service_kit.slices import OnDemand, Steps, Workshop

GROUP: Final = "text_model_group"
WARMED_LEGACY_BYTES: Final = 16 * 1024 * 1024
"""Beyond, the legacy document with groups is made only for whoever asks: it is three times as large."""


@dataclass(frozen=True, slots=True)
class TextModels:
    """The records by key, and what is known of all of them. Filled while the document goes by."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    baselines: set[str] = field(default_factory=set)

    def add(self, record: StoredRecord) -> None:
        """Note a record. One without a group is a member of none."""
        self.bodies[record.key] = record.body
        group = record.values.get(GROUP)
        if isinstance(group, str) and group:
            self.groups.setdefault(group, []).append(record.key)
        baseline = record.values.get("baseline")
        if isinstance(baseline, str) and baseline.strip():
            self.baselines.add(baseline.strip())

    def members(self, group: str) -> list[GroupMember]:
        """Return the members of a group in source order; none if there is no such group."""
        return [group_member(key, self.record(key)) for key in self.groups.get(group, ())]

    def view(self, group: str) -> GroupView | None:
        """Return the group, None if it has no member."""
        members = self.members(group)
        return view_group(group, members) if members else None

    def views(self) -> Iterator[GroupView]:
        """Yield all groups, sorted by name."""
        for group in sorted(self.groups):
            yield view_group(group, self.members(group))

    def record(self, key: str) -> dict[str, Any]:
        """Return a record's values."""
        values: dict[str, Any] = json.loads(self.bodies[key])
        return values


@dataclass(frozen=True, slots=True)
class TextTools:
    """The text models with the side data of a revision, and what is computed from both on demand."""

    models: TextModels
    side_data: SideData
    canonical_groups: Mapping[str, str]
    """Alias to the group it stands for."""
    overview: OnDemand[GroupOverview]
    named_groups: OnDemand[tuple[str, ...]]
    """The group of every model's name, aliases applied, distinct and sorted."""
    legacy: bytes
    """The v1 document, an empty object where there is none."""
    legacy_with_groups: OnDemand[Document]

    async def warm_up(self, workshop: Workshop) -> None:
        """Compute now what would be computed on demand."""
        await self.overview.get(workshop)
        await self.named_groups.get(workshop)

    async def warm_up_legacy(self, workshop: Workshop) -> None:
        """Add the groups to the legacy document now, unless it is very large."""
        if len(self.legacy) <= WARMED_LEGACY_BYTES:
            await self.legacy_with_groups.get(workshop)


def text_tools(models: TextModels, side_data: SideData, legacy: bytes | None) -> TextTools:
    """Return the tools over these models. `legacy` is the v1 document."""
    canonical_groups = {
        alias: canonical for canonical, aliases in side_data.aliases.items() for alias in aliases
    }
    legacy = b"{}" if legacy is None else legacy
    return TextTools(
        models=models,
        side_data=side_data,
        canonical_groups=canonical_groups,
        overview=OnDemand(lambda: overview_steps(models.views(), side_data)),
        named_groups=OnDemand(lambda: _named_group_steps(models, canonical_groups)),
        legacy=legacy,
        legacy_with_groups=OnDemand(lambda: legacy_with_groups_steps(legacy)),
    )


def _named_group_steps(models: TextModels, canonical_groups: Mapping[str, str]) -> Steps[tuple[str, ...]]:
    groups: set[str] = set()
    for name in models.bodies:
        group = established_group_of(name)
        groups.add(canonical_groups.get(group, group))
        yield
    return tuple(sorted(groups))

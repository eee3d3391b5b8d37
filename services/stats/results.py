"""Everything that one revision answers with the live figures of one moment, built once.

A pure function of both, so that all instances give equal bytes: also `computed_at` is derived.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from registry.content import CatalogueContent
from service_kit.coding import Effort
from service_kit.documents import Document, compressed_steps, plain_document
from service_kit.slices import Steps
from stats.domain.category_source import CategorySource, source_steps
from stats.domain.live_tables import LiveTables, RiskVariant, live_table_steps
from stats.domain.popular_table import PopularQuery
from stats.domain.risk_rules import RiskRules
from stats.domain.risk_table import RiskQuery
from stats.domain.runtime import KIND_OF_CATEGORY, HordeKind, RuntimeSnapshot
from stats.domain.runtime_mark import RuntimeMark, runtime_mark, runtime_value
from stats.domain.with_stats_table import WithStatsQuery
from stats.rendering import json_bytes, members

Snapshots = Mapping[HordeKind, RuntimeSnapshot]

PLAIN_WITH_STATS: Final = WithStatsQuery()
PLAIN_RISK: Final = RiskQuery()
PLAIN_POPULAR: Final = PopularQuery()


@dataclass(frozen=True, slots=True)
class LiveResults:
    """The answers of a category that rest on live figures; documents for the plain requests."""

    tables: LiveTables
    mark: RuntimeMark
    stamp: bytes
    """What the answers about deletion risk were made from, as members."""
    with_stats: Document
    popular: Document
    risk: Mapping[RiskVariant, Document]


@dataclass(frozen=True, slots=True)
class CategoryResults:
    """The answers of one category; `live` is None where no figures are known."""

    source: CategorySource
    computed_at: int
    statistics: Document
    grouped_statistics: Document
    live: LiveResults | None

    def statistics_page(self, *, grouped: bool, limit: int | None, offset: int) -> bytes:
        """Return the statistics with an echo of what was asked for."""
        value = self.source.grouped_statistics if grouped else self.source.statistics
        return json_bytes({**value, "offset": offset, "limit": limit, "computed_at": self.computed_at})


@dataclass(frozen=True, slots=True)
class Results:
    """What is being served. A category without records is absent. Revision 0: the journal is empty."""

    content: CatalogueContent | None
    categories: Mapping[str, CategoryResults]
    revision: int
    revision_text: str

    @property
    def committed_at(self) -> datetime | None:
        """When the revision was made."""
        return self.content.committed_at if self.content else None

    def key(self, category: str) -> Hashable:
        """Return what tells the answers of a category from those of any other results."""
        live = self.categories[category].live
        published_at = None if live is None else live.tables.snapshot.published_at
        return category, self.revision, self.committed_at, published_at


def result_steps(
    content: CatalogueContent | None, snapshots: Snapshots, rules: RiskRules, previous: Results | None = None
) -> Steps[Results]:
    """Build the results of a revision; None stands for an empty journal.

    What `previous` already has is taken over. Raises `RecordsUnreadable`.
    """
    if content is None:
        return Results(None, {}, 0, "0")
    build = _Build(content, snapshots, rules, previous)
    categories: dict[str, CategoryResults] = {}
    for category in content.categories:
        found = yield from build.category_steps(category)
        if found.source.records:
            categories[category] = found
    return Results(content, categories, content.revision, str(content.revision))


class _Build:
    """Builds the results of one revision, category by category."""

    def __init__(
        self, content: CatalogueContent, snapshots: Snapshots, rules: RiskRules, previous: Results | None
    ) -> None:
        self._content = content
        self._snapshots = snapshots
        self._rules = rules
        self._previous = previous.categories if previous else {}
        self._committed_at = int(content.committed_at.timestamp())
        self._is_same_revision = previous is not None and previous.content is content

    def category_steps(self, category: str) -> Steps[CategoryResults]:
        """Build one category, or take over what did not change."""
        known = self._previous.get(category)
        source = yield from self._source_steps(category, known.source if known else None)
        live = yield from self._live_steps(source, known.live if known else None)
        if known is not None and self._is_same_revision:
            statistics, grouped = known.statistics, known.grouped_statistics
        else:
            statistics = grouped = yield from self._statistics_steps(source.statistics)
            if source.grouped_statistics is not source.statistics:
                grouped = yield from self._statistics_steps(source.grouped_statistics)
        return CategoryResults(source, self._committed_at, statistics, grouped, live)

    def _source_steps(self, category: str, known: CategorySource | None) -> Steps[CategorySource]:
        content, aliases = self._content.categories[category], self._content.side_data.aliases
        if known is not None and known.is_made_of(content, aliases):
            return known
        return (yield from source_steps(content, aliases))

    def _statistics_steps(self, value: Mapping[str, Any]) -> Steps[Document]:
        return (yield from _document_steps(json_bytes({**value, "computed_at": self._committed_at})))

    def _live_steps(self, source: CategorySource, known: LiveResults | None) -> Steps[LiveResults | None]:
        kind = KIND_OF_CATEGORY.get(source.category)
        snapshot = None if kind is None else self._snapshots.get(kind)
        if snapshot is None or snapshot.is_empty or not source.records:
            return None
        if known is None or not known.tables.are_made_of(source, snapshot):
            tables = yield from live_table_steps(source, snapshot, self._rules)
            return (yield from self._live_document_steps(tables, None))
        if self._is_same_revision:
            return known
        return (yield from self._live_document_steps(known.tables, known))

    def _live_document_steps(self, tables: LiveTables, known: LiveResults | None) -> Steps[LiveResults]:
        """Make the documents; `known` has the same tables of another revision."""
        snapshot = tables.snapshot
        made_of = {
            "reference_revision": self._content.revision,
            "runtime": runtime_value(snapshot),
            "computed_at": max(self._committed_at, int(snapshot.published_at)),
        }
        stamp = members(made_of)
        risk: dict[RiskVariant, Document] = {}
        for variant, table in tables.risk.items():
            risk[variant] = yield from _document_steps(table.body(PLAIN_RISK, stamp))
        if known is not None:
            return replace(known, stamp=stamp, risk=risk)
        return LiveResults(
            tables=tables,
            mark=runtime_mark(snapshot),
            stamp=stamp,
            with_stats=(yield from _document_steps(tables.with_stats.body(PLAIN_WITH_STATS))),
            popular=(yield from _document_steps(tables.popular.body(PLAIN_POPULAR))),
            risk=risk,
        )


def _document_steps(body: bytes) -> Steps[Document]:
    yield
    return (yield from compressed_steps(plain_document(body), Effort.FAST))

"""Everything about a category that rests on live figures, before it is put into documents."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from horde_model_reference.integrations.horde_merge import CategoryFigures, merge_steps
from service_kit.slices import Steps
from stats.domain.category_source import CategorySource
from stats.domain.deletion_risk import grouped_report_steps, risk_report_steps
from stats.domain.figure_columns import columns_of
from stats.domain.popular_table import PopularTable
from stats.domain.risk_rules import RiskRules, is_text
from stats.domain.risk_table import RiskTable, risk_table_steps, variation_steps
from stats.domain.runtime import Received, RuntimeSnapshot
from stats.domain.with_stats_table import WithStatsTable, with_stats_steps

T = TypeVar("T")


class RiskVariant(StrEnum):
    """The forms of a deletion risk report."""

    PLAIN = "plain"
    VARIATIONS = "variations"
    GROUPED = "grouped"


@dataclass(frozen=True, slots=True)
class LiveTables:
    """What a category answers with the figures of one moment; `risk` has the forms that differ."""

    snapshot: RuntimeSnapshot
    figures: CategoryFigures
    with_stats: WithStatsTable
    popular: PopularTable
    risk: Mapping[RiskVariant, RiskTable]

    def are_made_of(self, source: CategorySource, snapshot: RuntimeSnapshot) -> bool:
        """Whether making them again would make no difference."""
        is_same_moment = self.snapshot.published_at == snapshot.published_at
        return is_same_moment and self.popular.records is source.records


def live_table_steps(
    source: CategorySource, snapshot: RuntimeSnapshot, rules: RiskRules
) -> Steps[LiveTables]:
    """Compute everything, a few models at a time."""
    figures = yield from merge_steps(
        source.category,
        source.records,
        _told(snapshot.status),
        _told(snapshot.usage),
        _told(snapshot.workers),
    )
    columns = columns_of(figures)
    yield
    with_stats = yield from with_stats_steps(figures, columns, has_variations=is_text(source.category))
    risk = yield from _risk_steps(source, figures, rules)
    return LiveTables(
        snapshot=snapshot,
        figures=figures,
        with_stats=with_stats,
        popular=PopularTable(figures, columns, source.records),
        risk=risk,
    )


def _risk_steps(
    source: CategorySource, figures: CategoryFigures, rules: RiskRules
) -> Steps[dict[RiskVariant, RiskTable]]:
    report = yield from risk_report_steps(source.category, source.records, figures, rules)
    plain = yield from risk_table_steps(report, figures.unattributed)
    if not is_text(source.category):
        return {RiskVariant.PLAIN: plain}
    varied = yield from variation_steps(plain, report)
    families = yield from grouped_report_steps(report, source.families, rules)
    grouped = yield from risk_table_steps(families, figures.unattributed)
    return {RiskVariant.PLAIN: plain, RiskVariant.VARIATIONS: varied, RiskVariant.GROUPED: grouped}


def _told(received: Received[T] | None) -> T | None:
    return None if received is None else received.value

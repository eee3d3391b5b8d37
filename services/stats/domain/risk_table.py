"""The answers of deletion-risk, in pieces that a request only joins (statistics.md section 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from horde_model_reference.integrations.horde_merge import Unattributed
from service_kit.slices import Steps
from stats.domain.deletion_risk import RiskReport
from stats.domain.risk_presets import PRESETS, keeps, summary_of
from stats.rendering import json_bytes, members

MODELS_A_STEP: Final = 20
VARIATIONS: Final = "backend_variations"
MAX_STRANGE_NAMES: Final = 100
"""So many names that belong to no model are listed: anybody may announce as many as he likes."""


@dataclass(frozen=True, slots=True)
class RiskQuery:
    """Which models, and which page of them."""

    preset: str | None = None
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RiskTable:
    """The models of one report, sorted, as JSON.

    `rows` names for each preset the models that it keeps, `summaries` sums these up. The report itself is
    not kept: its thousands of objects would make every collection of garbage longer.
    """

    category: str
    category_total_month_usage: int
    total_count: int
    rows: Mapping[str | None, Sequence[int]]
    summaries: Mapping[str | None, bytes]
    entries: Sequence[bytes]
    rest: bytes
    """What every answer says at the end about all models, as members."""

    def body(self, query: RiskQuery, stamp: bytes) -> bytes:
        """Return the answer; `stamp` are members that tell what it was made from."""
        rows, entries = self.rows[query.preset], self.entries
        end = None if query.limit is None else query.offset + query.limit
        page = rows[query.offset : end]
        lead = {
            "category": self.category,
            "category_total_month_usage": self.category_total_month_usage,
            "total_count": self.total_count,
            "returned_count": len(page),
            "offset": query.offset,
            "limit": query.limit,
        }
        return b'{%b,"models":[%b],"summary":%b,"filtered_count":%d,%b,%b}' % (
            members(lead),
            b",".join([entries[row] for row in page]),
            self.summaries[query.preset],
            len(rows),
            self.rest,
            stamp,
        )


def risk_table_steps(report: RiskReport, unattributed: Unattributed) -> Steps[RiskTable]:
    """Render the models of a report without their variations, and find what each preset keeps."""
    models = report.models
    rows: dict[str | None, Sequence[int]] = {None: range(len(models))}
    for preset in PRESETS:
        rows[preset] = [row for row, model in enumerate(models) if keeps(preset, model)]
        yield
    summaries: dict[str | None, bytes] = {}
    for asked, kept in rows.items():
        summaries[asked] = json_bytes(summary_of([models[row] for row in kept]))
        yield
    entries = yield from _entry_steps([{**model, VARIATIONS: None} for model in models])
    return RiskTable(
        category=report.category,
        category_total_month_usage=report.category_total_month_usage,
        total_count=report.total_count,
        rows=rows,
        summaries=summaries,
        entries=entries,
        rest=_rest(rows, unattributed),
    )


def variation_steps(table: RiskTable, report: RiskReport) -> Steps[RiskTable]:
    """Render the models of the same report with the shares of their backends."""
    entries = yield from _entry_steps(report.models)
    return replace(table, entries=entries)


def _rest(rows: Mapping[str | None, Sequence[int]], unattributed: Unattributed) -> bytes:
    rest = {
        "preset_counts": {preset: len(rows[preset]) for preset in PRESETS},
        "unattributed": {
            "name_count": len(unattributed.names),
            "names": unattributed.names[:MAX_STRANGE_NAMES],
            "thread_count": unattributed.thread_count,
            "usage_day": unattributed.usage.day,
            "usage_month": unattributed.usage.month,
            "usage_total": unattributed.usage.total,
        },
    }
    return members(rest)


def _entry_steps(models: Sequence[Mapping[str, Any]]) -> Steps[list[bytes]]:
    entries: list[bytes] = []
    for model in models:
        entries.append(json_bytes(model))
        if len(entries) % MODELS_A_STEP == 0:
            yield
    return entries

"""The answers of deletion-risk, in pieces that a request only joins (statistics.md section 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from horde_model_reference.integrations.horde_merge import Unattributed
from service_kit.slices import Steps
from stats.domain.deletion_risk import RiskReport
from stats.domain.risk_presets import PRESETS, keeps, summary_of
from stats.rendering import json_bytes, members

MODELS_A_STEP: Final = 20
VARIATIONS: Final = "backend_variations"


@dataclass(frozen=True, slots=True)
class RiskQuery:
    """Which models, and which page of them."""

    preset: str | None = None
    limit: int | None = None
    offset: int = 0


@dataclass(slots=True)
class RiskTable:
    """The models of one report, sorted.

    `rows` names for each preset the models that it keeps. A summary is made when it is first asked for:
    that takes less than a millisecond for the models of today.
    """

    report: RiskReport
    rows: Mapping[str | None, Sequence[int]]
    entries: Sequence[bytes]
    rest: bytes
    """What every answer says at the end about all models, as members."""
    _summaries: dict[str | None, bytes] = field(default_factory=dict)

    def body(self, query: RiskQuery, stamp: bytes) -> bytes:
        """Return the answer; `stamp` are members that tell what it was made from."""
        rows, report, entries = self.rows[query.preset], self.report, self.entries
        end = None if query.limit is None else query.offset + query.limit
        page = rows[query.offset : end]
        lead = {
            "category": report.category,
            "category_total_month_usage": report.category_total_month_usage,
            "total_count": report.total_count,
            "returned_count": len(page),
            "offset": query.offset,
            "limit": query.limit,
        }
        return b'{%b,"models":[%b],"summary":%b,"filtered_count":%d,%b,%b}' % (
            members(lead),
            b",".join([entries[row] for row in page]),
            self._summary(query.preset),
            len(rows),
            self.rest,
            stamp,
        )

    def with_variations(self, entries: Sequence[bytes]) -> "RiskTable":
        """Return the same with other entries of the same models."""
        return RiskTable(self.report, self.rows, entries, self.rest, self._summaries)

    def _summary(self, preset: str | None) -> bytes:
        summary = self._summaries.get(preset)
        if summary is None:
            models = self.report.models
            summary = json_bytes(summary_of([models[row] for row in self.rows[preset]]))
            self._summaries[preset] = summary
        return summary


def risk_table_steps(report: RiskReport, unattributed: Unattributed) -> Steps[RiskTable]:
    """Render the models of a report without their variations, and find what each preset keeps."""
    models = report.models
    rows: dict[str | None, Sequence[int]] = {None: range(len(models))}
    for preset in PRESETS:
        rows[preset] = [row for row, model in enumerate(models) if keeps(preset, model)]
        yield
    entries = yield from _entry_steps([{**model, VARIATIONS: None} for model in models])
    rest = {
        "preset_counts": {preset: len(rows[preset]) for preset in PRESETS},
        "unattributed": {
            "names": unattributed.names,
            "thread_count": unattributed.thread_count,
            "usage_day": unattributed.usage.day,
            "usage_month": unattributed.usage.month,
            "usage_total": unattributed.usage.total,
        },
    }
    return RiskTable(report, rows, entries, members(rest))


def variation_steps(table: RiskTable) -> Steps[RiskTable]:
    """Render the same models with the shares of their backends."""
    entries = yield from _entry_steps(table.report.models)
    return table.with_variations(entries)


def _entry_steps(models: Sequence[Mapping[str, Any]]) -> Steps[list[bytes]]:
    entries: list[bytes] = []
    for model in models:
        entries.append(json_bytes(model))
        if len(entries) % MODELS_A_STEP == 0:
            yield
    return entries

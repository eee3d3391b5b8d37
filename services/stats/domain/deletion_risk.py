"""Which models could be deleted: every model of a category, judged (statistics.md section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from horde_model_reference.integrations.horde_merge import CategoryFigures
from service_kit.slices import Steps, run_now
from stats.domain.record_facts import Records, record_of
from stats.domain.risk_groups import families_of, joined
from stats.domain.risk_models import RiskRenderer
from stats.domain.risk_rules import RiskRules
from stats.domain.risk_subjects import RiskSubject, SubjectReader


@dataclass(frozen=True, slots=True)
class RiskReport:
    """The models, or families of them, with the largest usage of the month first.

    `total_count` is the number of models, also where `models` are families. `subjects` are what `models`
    were rendered from, in the same order.
    """

    category: str
    category_total_month_usage: int
    total_count: int
    models: tuple[dict[str, Any], ...]
    subjects: tuple[RiskSubject, ...]


def risk_report(category: str, records: Records, figures: CategoryFigures, rules: RiskRules) -> RiskReport:
    """Judge every model of a category; text models with their back ends."""
    return run_now(risk_report_steps(category, records, figures, rules))


def risk_report_steps(
    category: str, records: Records, figures: CategoryFigures, rules: RiskRules
) -> Steps[RiskReport]:
    """Do as `risk_report`, one model after the other. Models with equal usage stay in reference order."""
    usages = [figures.models[name].usage for name in records]
    total = sum(usage.month for usage in usages if usage is not None)
    reader = SubjectReader(category, total, rules)
    subjects = []
    for name, record in records.items():
        subjects.append(reader.read(name, record_of(record), figures.models[name]))
        yield
    subjects.sort(key=attrgetter("usage_month"), reverse=True)
    return (yield from _report_steps(RiskRenderer(category, total, rules), subjects, len(subjects)))


def grouped_report(report: RiskReport, families: Mapping[str, str], rules: RiskRules) -> RiskReport:
    """Judge families (name of a model to its family) by their figures taken together."""
    return run_now(grouped_report_steps(report, families, rules))


def grouped_report_steps(
    report: RiskReport, families: Mapping[str, str], rules: RiskRules
) -> Steps[RiskReport]:
    """Do as `grouped_report`, one family after the other."""
    groups = []
    for family, members in families_of(report.subjects, families).items():
        groups.append(joined(family, members))
        yield
    groups.sort(key=attrgetter("usage_month"), reverse=True)
    renderer = RiskRenderer(report.category, report.category_total_month_usage, rules)
    return (yield from _report_steps(renderer, groups, report.total_count))


def _report_steps(renderer: RiskRenderer, subjects: list[RiskSubject], total_count: int) -> Steps[RiskReport]:
    models = []
    for subject in subjects:
        models.append(renderer.render(subject))
        yield
    return RiskReport(
        category=renderer.category,
        category_total_month_usage=renderer.total,
        total_count=total_count,
        models=tuple(models),
        subjects=tuple(subjects),
    )

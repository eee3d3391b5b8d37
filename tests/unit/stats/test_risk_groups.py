"""Families of text models judged as one (statistics.md section 4.5)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.integrations.horde_figures import Usage
from horde_model_reference.integrations.horde_merge import ModelFigures
from stats.domain.deletion_risk import RiskReport, grouped_report, risk_report
from stats.domain.risk_rules import RiskRules
from support.judged_models import (
    IMAGE,
    TEXT,
    UNUSED,
    a_described_record,
    by_name,
    flags_set,
    model_figures,
    some_figures,
    with_files,
)

RULES = RiskRules()
FAMILIES = {"small": "Family", "large": "Family", "alone": "Alone"}


def report_of(
    figures: dict[str, ModelFigures],
    records: dict[str, dict[str, Any]] | None = None,
    category: str = TEXT,
    rules: RiskRules = RULES,
) -> RiskReport:
    described = {name: a_described_record() for name in figures}
    return risk_report(category, {**described, **(records or {})}, some_figures(figures), rules)


def family_of(
    small: ModelFigures, large: ModelFigures, records: dict[str, dict[str, Any]] | None = None
) -> dict[str, Any]:
    report = report_of({"small": small, "large": large, "alone": model_figures(Usage(0, 100, 100))}, records)
    return by_name(grouped_report(report, FAMILIES, RULES))["Family"]


def test_figures_of_a_family_are_sums() -> None:
    family = family_of(
        model_figures(Usage(1, 100, 1000), threads=2), model_figures(Usage(3, 200, 5000), threads=5)
    )
    assert (family["usage_day"], family["usage_month"], family["usage_total"]) == (4, 300, 6000)
    assert family["usage_trend"] == {"day_to_month_ratio": 4 / 300, "month_to_total_ratio": 300 / 6000}
    assert family["usage_percentage_of_category"] == 75.0
    assert (family["worker_count"], family["thread_count"]) == (7, 7)


def test_the_share_of_a_family_has_as_many_decimals_as_that_of_a_model() -> None:
    family = family_of(model_figures(Usage(0, 10, 10)), model_figures(Usage(0, 20, 20)))
    assert 7.6923 + 15.3846 != 23.0769
    assert family["usage_percentage_of_category"] == 23.0769


def test_a_worker_that_serves_two_members_is_one_worker() -> None:
    family = family_of(model_figures(workers=["one", "two"]), model_figures(workers=["two", "three"]))
    assert family["active_worker_count"] == 3


def test_flags_about_usage_and_workers_follow_from_the_figures_of_the_family() -> None:
    family = family_of(model_figures(UNUSED, threads=0), model_figures(Usage(1, 200, 5000), threads=1))
    assert flags_set(family) == set()
    assert (family["at_risk"], family["risk_score"], family["is_critical"]) == (False, 0, False)


def test_a_family_that_nobody_uses_or_serves_is_critical() -> None:
    family = family_of(model_figures(UNUSED, threads=0), model_figures(Usage(0, 9, 9), threads=0))
    assert flags_set(family) == {"zero_usage_day", "no_active_workers"}
    assert family["is_critical"]


def test_members_that_are_critical_each_may_not_be_so_together() -> None:
    family = family_of(model_figures(Usage(0, 5, 5), threads=0), model_figures(Usage(0, 5, 5), threads=0))
    assert family["is_critical"] is False


def test_a_family_lacks_what_any_member_lacks() -> None:
    records = {"small": a_described_record(description="", baseline="", nsfw=True)}
    family = family_of(model_figures(Usage(1, 1, 1)), model_figures(), records)
    assert {"missing_description", "missing_baseline"} <= flags_set(family)
    assert (family["has_description"], family["nsfw"]) == (False, True)


def test_the_most_used_member_gives_the_baseline() -> None:
    records = {"small": a_described_record(baseline="s"), "large": a_described_record(baseline="l")}
    family = family_of(model_figures(Usage(1, 1, 1)), model_figures(Usage(2, 2, 2)), records)
    assert family["baseline"] == "l"


def test_files_of_a_family_are_those_of_all_members() -> None:
    records = {
        "small": a_described_record(**with_files("https://a.org/1", "https://b.org/2")),
        "large": a_described_record(**with_files("https://a.org/3")),
    }
    family = family_of(model_figures(Usage(1, 1, 1)), model_figures(Usage(2, 2, 2)), records)
    assert (family["download_count"], family["download_hosts"]) == (3, ["a.org", "b.org"])


def test_a_warning_about_any_member_is_one_about_the_family() -> None:
    rules = RiskRules(text_ignores_hosts=False)
    records = {"small": a_described_record(**with_files("https://civitai.com/1"))}
    report = report_of({"small": model_figures(), "large": model_figures()}, records, rules=rules)
    family = by_name(grouped_report(report, FAMILIES, rules))["Family"]
    assert flags_set(family) == {"has_non_preferred_host"}
    assert family["has_warning"]


def test_back_ends_of_members_are_not_shown() -> None:
    family = family_of(model_figures(), model_figures())
    assert (family["backend_variations"], family["size_gb"], family["cost_benefit_score"]) == (
        None,
        None,
        None,
    )


def test_sizes_are_averaged_over_the_members_that_have_one() -> None:
    records = {
        "small": a_described_record(size_on_disk_bytes=1024**3),
        "large": a_described_record(size_on_disk_bytes=3 * 1024**3),
        "unknown": a_described_record(size_on_disk_bytes=None),
    }
    figures = {name: model_figures(Usage(0, 10, 10)) for name in records}
    report = report_of(figures, records, category=IMAGE)
    family = grouped_report(report, dict.fromkeys(records, "Family"), RULES).models[0]
    assert (family["size_gb"], family["cost_benefit_score"]) == (2.0, 15.0)


def test_figures_that_are_unknown_stay_unknown() -> None:
    unknown = model_figures(usage=None, threads=None, workers=None)
    family = family_of(unknown, unknown)
    assert family["usage_month"] is family["usage_percentage_of_category"] is None
    assert family["thread_count"] is family["active_worker_count"] is None
    assert flags_set(family) == set()


def test_families_come_by_usage_and_the_number_of_models_is_kept() -> None:
    report = report_of(
        {
            "small": model_figures(Usage(0, 60, 0)),
            "alone": model_figures(Usage(0, 100, 0)),
            "large": model_figures(Usage(0, 60, 0)),
        }
    )
    grouped = grouped_report(report, FAMILIES, RULES)
    assert [model["name"] for model in grouped.models] == ["Family", "Alone"]
    assert (grouped.total_count, grouped.category_total_month_usage, grouped.category) == (3, 220, TEXT)


def test_a_family_of_one_differs_from_its_member_in_name_and_back_ends_only() -> None:
    report = report_of({"A/alone-7B": model_figures()})
    (model,) = report.models
    (family,) = grouped_report(report, {"A/alone-7B": "alone"}, RULES).models
    assert family == {**model, "name": "alone", "backend_variations": None}


def test_a_model_of_unknown_family_stands_for_itself() -> None:
    assert grouped_report(report_of({"new": model_figures()}), {}, RULES).models[0]["name"] == "new"


@given(st.dictionaries(st.text("ab", min_size=1, max_size=3), st.integers(0, 10**6), min_size=1))
def test_families_neither_lose_nor_add_usage(months: dict[str, int]) -> None:
    report = report_of({name: model_figures(Usage(0, month, month)) for name, month in months.items()})
    before = [dict(model) for model in report.models]
    grouped = grouped_report(report, {name: name[0] for name in months}, RULES)
    assert list(report.models) == before
    assert len(grouped.models) == len({name[0] for name in months})
    assert sum(model["usage_month"] for model in grouped.models) == sum(months.values())
    found = [model["usage_month"] for model in grouped.models]
    assert found == sorted(found, reverse=True)

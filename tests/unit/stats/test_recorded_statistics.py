"""The recorded answers about statistics come out again (statistics.md section 9)."""

from collections.abc import Sequence
from typing import Any

import pytest

from horde_model_reference.integrations.horde_merge import CategoryFigures
from stats.domain.category_statistics import category_statistics
from stats.domain.deletion_risk import RiskReport, grouped_report, risk_report
from stats.domain.risk_presets import keeps, summary_of
from stats.domain.risk_rules import RiskRules
from stats.domain.text_group_names import family_names
from support.judged_models import IMAGE, TEXT, by_name
from support.recorded_statistics import (
    real_records,
    recorded,
    recorded_image_figures,
    recorded_text_figures,
)
from support.reference_data import requires_shared

pytestmark = requires_shared

RULES = RiskRules()
WRONG_IN_TEXT_SAMPLE = {
    "worker_count",
    "usage_day",
    "usage_month",
    "usage_total",
    "usage_percentage_of_category",
    "usage_trend",
    "backend_variations",
    "deletion_risk_flags",
    "risk_score",
}
"""Everything about usage and threads; what is left of flags and back ends has tests of its own."""


def report_of(category: str, figures: CategoryFigures) -> RiskReport:
    return risk_report(category, real_records(category), figures, RULES)


def without(model: dict[str, Any], fields: set[str]) -> dict[str, Any]:
    return {name: value for name, value in model.items() if name not in fields}


def names_of(models: Sequence[dict[str, Any]]) -> list[str]:
    return [model["name"] for model in models]


@pytest.mark.parametrize("category", ["image_generation", "controlnet", "miscellaneous"])
def test_statistics_of_a_category_are_as_recorded(category: str) -> None:
    found = category_statistics(category, real_records(category), computed_at=0)
    wanted = recorded(f"statistics_{category}")
    assert found == wanted
    assert list(found) == list(wanted)
    assert [list(found[field]) for field in ("baseline_distribution", "download_stats")] == [
        list(wanted[field]) for field in ("baseline_distribution", "download_stats")
    ]


def test_statistics_of_text_models_find_sizes_and_families() -> None:
    records = real_records(TEXT)
    alone = category_statistics(TEXT, records, computed_at=0)
    grouped = category_statistics(TEXT, records, computed_at=0, families=family_names(records, {}))
    assert {one["bucket_label"]: one["count"] for one in alone["parameter_buckets"]} == {
        "< 3B": 89,
        "3B-6B": 31,
        "6B-9B": 142,
        "9B-13B": 68,
        "13B-20B": 114,
        "20B-35B": 142,
        "35B-70B": 19,
        "> 70B": 114,
    }
    assert (alone["total_models"], alone["models_without_param_info"]) == (719, 0)
    assert (grouped["total_models"], grouped["models_without_param_info"]) == (419, 0)


def test_the_risk_of_image_models_is_as_corrected() -> None:
    report = report_of(IMAGE, recorded_image_figures())
    wanted = recorded("corrected_deletion_risk_image_generation")
    assert summary_of(report.models) == wanted["summary"]
    assert sorted(model["name"] for model in report.models if model["is_critical"]) == wanted["critical"]
    found = by_name(report)
    for model in wanted["changed_models"]:
        assert model.items() <= found[model["name"]].items()


def test_the_risk_of_other_image_models_is_as_recorded_but_for_their_share() -> None:
    found = by_name(report_of(IMAGE, recorded_image_figures()))
    changed = {
        model["name"] for model in recorded("corrected_deletion_risk_image_generation")["changed_models"]
    }
    wanted = [
        model
        for model in recorded("deletion_risk_image_generation")["models"]
        if model["name"] not in changed
    ]
    assert len(wanted) > 100
    for model in wanted:
        added = {"thread_count", "active_worker_count"}
        share = "usage_percentage_of_category"
        assert without(found[model["name"]], {*added, share}) == without(model, {share})
        assert list(found[model["name"]]) == [*model, "thread_count", "active_worker_count"]
        assert list(found[model["name"]]["deletion_risk_flags"]) == list(model["deletion_risk_flags"])


def test_recorded_models_give_the_recorded_summary() -> None:
    whole = recorded("deletion_risk_image_generation")
    assert summary_of(whole["models"]) == whole["summary"]
    assert list(summary_of(whole["models"])) == list(whole["summary"])
    page = recorded("deletion_risk_image_generation_page")
    assert whole["models"][5:15] == page["models"]
    assert whole["summary"] == page["summary"]


@pytest.mark.parametrize("preset", ["critical", "deletion_candidates", "host_issues", "low_usage"])
def test_a_preset_keeps_the_recorded_models(preset: str) -> None:
    wanted = recorded(f"deletion_risk_image_generation_preset_{preset}")
    kept = [model for model in recorded("deletion_risk_image_generation")["models"] if keeps(preset, model)]
    assert names_of(kept) == names_of(wanted["models"])
    assert summary_of(kept) == wanted["summary"]


def test_the_most_used_text_models_are_as_corrected() -> None:
    report = report_of(TEXT, recorded_text_figures())
    wanted = recorded("corrected_text_models_top25")["models"]
    assert names_of(report.models[:25]) == list(wanted)
    for model in report.models[:25]:
        figures = wanted[model["name"]]
        usage = [model["usage_day"], model["usage_month"], model["usage_total"]]
        assert usage == list(figures["usage"].values())
        assert model["worker_count"] == model["thread_count"] == figures["threads"]
        assert model["active_worker_count"] == len(figures["workers"])
        assert {
            one["backend"]: (one["usage_day"], one["usage_month"], one["usage_total"], one["worker_count"])
            for one in model["backend_variations"]
        } == {
            name: (one["usage_day"], one["usage_month"], one["usage_total"], one["threads"])
            for name, one in figures["backends"].items()
        }


def test_text_models_are_as_recorded_but_for_usage_and_threads() -> None:
    found = by_name(report_of(TEXT, recorded_text_figures()))
    for wanted in recorded("text_sample_deletion_risk_variations")["models"]:
        model = found[wanted["name"]]
        shown = without(model, {*WRONG_IN_TEXT_SAMPLE, "thread_count", "active_worker_count"})
        assert shown == without(wanted, WRONG_IN_TEXT_SAMPLE)
        flags, wanted_flags = model["deletion_risk_flags"], wanted["deletion_risk_flags"]
        no_workers = {"no_active_workers"}
        assert without(flags, no_workers) == without(wanted_flags, no_workers)


def test_back_ends_of_text_models_are_named_as_recorded() -> None:
    found = by_name(report_of(TEXT, recorded_text_figures()))
    compared = 0
    for wanted in recorded("text_sample_deletion_risk_variations")["models"]:
        names = {one["backend"]: one["variant_name"] for one in found[wanted["name"]]["backend_variations"]}
        assert names.keys() == {one["backend"] for one in wanted["backend_variations"]}
        for one in wanted["backend_variations"]:
            if one["backend"] != "koboldcpp" or one["worker_count"]:
                assert names[one["backend"]] == one["variant_name"]
                compared += 1
    assert compared > 20


def test_families_of_the_real_text_models_hold_together() -> None:
    report = report_of(TEXT, recorded_text_figures())
    grouped = grouped_report(report, family_names(real_records(TEXT), {}), RULES)
    assert (len(grouped.models), grouped.total_count) == (419, 719)
    summary = summary_of(grouped.models)
    assert summary["category_total_month_usage"] == report.category_total_month_usage
    shares = [model["usage_percentage_of_category"] for model in grouped.models]
    assert sum(shares) == pytest.approx(100, abs=0.05)

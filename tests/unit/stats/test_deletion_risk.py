"""The deletion risk of the models of a category (statistics.md section 4.1)."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.integrations.horde_figures import Usage
from horde_model_reference.integrations.horde_merge import BackendFigures, ModelFigures
from horde_model_reference.integrations.horde_names import Backend
from stats.domain.deletion_risk import risk_report
from stats.domain.risk_rules import RiskRules
from support.judged_models import (
    HUGGINGFACE,
    IMAGE,
    TEXT,
    UNUSED,
    USED,
    a_described_record,
    judged,
    model_figures,
    some_figures,
    with_files,
)


def test_a_model_is_shown_with_all_its_figures_in_order() -> None:
    model = judged(a_described_record(nsfw=True), others=700)
    flags = model.pop("deletion_risk_flags")
    assert len(flags) == 11
    assert list(model.items()) == [
        ("name", "judged"),
        ("category", IMAGE),
        ("at_risk", False),
        ("risk_score", 0),
        ("worker_count", 3),
        ("usage_day", 10),
        ("usage_month", 300),
        ("usage_total", 9000),
        ("usage_hour", None),
        ("usage_minute", None),
        ("usage_percentage_of_category", 30.0),
        ("usage_trend", {"day_to_month_ratio": 10 / 300, "month_to_total_ratio": 300 / 9000}),
        ("cost_benefit_score", 150.0),
        ("size_gb", 2.0),
        ("baseline", "stable_diffusion_1"),
        ("nsfw", True),
        ("has_description", True),
        ("download_count", 1),
        ("download_hosts", ["huggingface.co"]),
        ("backend_variations", None),
        ("is_critical", False),
        ("has_warning", False),
        ("thread_count", 3),
        ("active_worker_count", 2),
    ]


def test_shares_have_four_decimals_and_are_zero_where_nothing_is_used() -> None:
    assert judged(others=600)["usage_percentage_of_category"] == 33.3333
    assert judged(figures=model_figures(UNUSED))["usage_percentage_of_category"] == 0.0


@pytest.mark.parametrize(
    ("usage", "day_to_month", "month_to_total"),
    [(UNUSED, None, None), (Usage(0, 0, 5), None, 0.0), (Usage(1, 3, 0), 1 / 3, None)],
)
def test_a_ratio_to_nothing_is_unknown(
    usage: Usage, day_to_month: float | None, month_to_total: float | None
) -> None:
    trend = judged(figures=model_figures(usage))["usage_trend"]
    assert trend == {"day_to_month_ratio": day_to_month, "month_to_total_ratio": month_to_total}


def test_cost_and_benefit_are_computed_with_the_size_before_it_is_rounded() -> None:
    model = judged(a_described_record(size_on_disk_bytes=3 * 1024**2))
    assert (model["size_gb"], model["cost_benefit_score"]) == (0.0, 102400.0)


@pytest.mark.parametrize("size", [None, 0, -5, "big", True, float("nan"), 10**400])
def test_a_model_without_a_size_has_no_costs(size: object) -> None:
    model = judged(a_described_record(size_on_disk_bytes=size))
    assert (model["size_gb"], model["cost_benefit_score"]) == (None, None)


def test_text_models_have_no_size() -> None:
    model = judged(category=TEXT)
    assert (model["size_gb"], model["cost_benefit_score"]) == (None, None)


def test_different_hosts_are_listed_and_all_entries_counted() -> None:
    record = a_described_record(**with_files(HUGGINGFACE, "https://b.org/1", HUGGINGFACE, ""))
    model = judged(record)
    assert (model["download_count"], model["download_hosts"]) == (4, ["huggingface.co", "b.org"])


def test_usage_that_is_unknown_is_null_and_not_zero() -> None:
    model = judged(figures=model_figures(usage=None))
    unknown = [
        "usage_day",
        "usage_month",
        "usage_total",
        "usage_percentage_of_category",
        "cost_benefit_score",
    ]
    assert [model[field] for field in unknown] == [None] * len(unknown)
    assert model["usage_trend"] == {"day_to_month_ratio": None, "month_to_total_ratio": None}
    assert model["worker_count"] == 3


def test_threads_that_are_unknown_are_null_and_workers_stay() -> None:
    model = judged(figures=model_figures(threads=None))
    assert (model["worker_count"], model["thread_count"], model["active_worker_count"]) == (None, None, 2)


def test_workers_that_are_unknown_are_null() -> None:
    model = judged(figures=model_figures(workers=None))
    assert (model["thread_count"], model["active_worker_count"]) == (3, None)


def test_a_text_model_shows_its_back_ends_by_their_legacy_names() -> None:
    figures = ModelFigures(
        thread_count=6,
        usage=USED,
        backends=(
            BackendFigures(Backend.CANONICAL, ("a/m-7b",), thread_count=0, usage=Usage(1, 2, 3)),
            BackendFigures(Backend.APHRODITE, ("aphrodite/a/m-7b-AWQ",), thread_count=1, performance=20.5),
            BackendFigures(Backend.KOBOLDCPP, ("koboldcpp/M-7B", "koboldcpp/M-7B-Q4_K_M"), thread_count=5),
            BackendFigures(Backend.OTHER, ("tabbyapi/M-7B", "zabbyapi/M-7B")),
        ),
    )
    report = risk_report(TEXT, {"A/M-7B": {}}, some_figures({"A/M-7B": figures}), RiskRules())
    variations = report.models[0]["backend_variations"]
    assert [(one["backend"], one["variant_name"], one["worker_count"]) for one in variations] == [
        ("canonical", "A/M-7B", 0),
        ("aphrodite", "aphrodite/A/M-7B", 1),
        ("koboldcpp", "koboldcpp/M-7B", 5),
        ("other", "tabbyapi/M-7B", None),
    ]
    assert variations[0] == {
        "backend": "canonical",
        "variant_name": "A/M-7B",
        "worker_count": 0,
        "performance": None,
        "usage_day": 1,
        "usage_month": 2,
        "usage_total": 3,
        "names": ["a/m-7b"],
    }
    assert variations[1]["performance"] == 20.5
    assert variations[1]["usage_month"] is None


def test_a_text_model_that_nobody_mentions_has_no_back_ends() -> None:
    assert judged(category=TEXT)["backend_variations"] == []


def test_models_come_by_usage_and_among_equals_in_the_order_of_the_reference() -> None:
    months = {"b": 5, "a": 5, "c": None, "e": 9, "d": 0}
    figures = {
        name: model_figures(None if month is None else Usage(0, month, 0)) for name, month in months.items()
    }
    report = risk_report(IMAGE, {name: {} for name in months}, some_figures(figures), RiskRules())
    assert [model["name"] for model in report.models] == ["e", "b", "a", "c", "d"]
    assert (report.category, report.category_total_month_usage, report.total_count) == (IMAGE, 19, 5)


def test_a_category_without_models_has_an_empty_report() -> None:
    report = risk_report(IMAGE, {}, some_figures({}), RiskRules())
    assert (report.models, report.category_total_month_usage, report.total_count) == ((), 0, 0)


usages = st.one_of(st.none(), st.builds(Usage, *[st.integers(0, 10**6)] * 3))
all_figures = st.builds(
    model_figures, usages, st.one_of(st.none(), st.integers(0, 9)), st.one_of(st.none(), st.just(("one",)))
)


@given(st.dictionaries(st.text("ab", max_size=3), all_figures), st.sampled_from([IMAGE, TEXT]))
def test_reports_hold_together(figures: dict[str, ModelFigures], category: str) -> None:
    records: dict[str, dict[str, Any]] = {name: a_described_record(nsfw=len(name) > 1) for name in figures}
    before = copy.deepcopy(records)
    report = risk_report(category, records, some_figures(figures), RiskRules())
    months = [model["usage_month"] or 0 for model in report.models]
    assert records == before
    assert sorted(model["name"] for model in report.models) == sorted(figures)
    assert months == sorted(months, reverse=True)
    assert report.category_total_month_usage == sum(months)
    for model in report.models:
        flags = model["deletion_risk_flags"]
        assert model["risk_score"] == sum(flags.values())
        assert model["at_risk"] is any(flags.values())
        unknown = figures[model["name"]].usage is None
        assert (model["usage_percentage_of_category"] is None) is unknown

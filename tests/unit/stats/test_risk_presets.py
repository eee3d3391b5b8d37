"""Presets and the summary of a report (statistics.md section 4.3)."""

from typing import Any

import pytest

from horde_model_reference.integrations.horde_figures import Usage
from stats.domain.risk_presets import PRESETS, keeps, summary_of
from support.judged_models import UNUSED, a_described_record, judged, model_figures, with_files

GOOD = judged()
UNKNOWN = judged(figures=model_figures(usage=None, threads=None, workers=None))
NEVER_USED = judged(figures=model_figures(UNUSED), others=100)
NOT_SERVED = judged(figures=model_figures(threads=0))
NEGLECTED = judged(figures=model_figures(UNUSED, threads=0), others=100)
UNDESCRIBED = judged(a_described_record(description=""))
WITHOUT_BASELINE = judged(a_described_record(baseline=""))
ELSEWHERE = judged(a_described_record(**with_files("https://civitai.com/1")))
SMALL_SHARE = judged(figures=model_figures(Usage(1, 9, 100)), others=100_000)
TINY_SHARE = judged(figures=model_figures(Usage(1, 6, 100)), others=100_000)


def kept(preset: str, models: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, model in models.items() if keeps(preset, model)}


MODELS = {
    "good": GOOD,
    "unknown": UNKNOWN,
    "never used": NEVER_USED,
    "not served": NOT_SERVED,
    "neglected": NEGLECTED,
    "undescribed": UNDESCRIBED,
    "without baseline": WITHOUT_BASELINE,
    "elsewhere": ELSEWHERE,
    "small share": SMALL_SHARE,
    "tiny share": TINY_SHARE,
}


@pytest.mark.parametrize(
    ("preset", "names"),
    [
        ("deletion_candidates", set(MODELS) - {"good", "unknown"}),
        ("zero_usage", {"never used", "neglected"}),
        ("no_workers", {"not served", "neglected"}),
        ("missing_data", {"undescribed", "without baseline"}),
        ("host_issues", {"elsewhere"}),
        ("critical", {"neglected"}),
        ("low_usage", {"never used", "neglected", "tiny share"}),
    ],
)
def test_a_preset_keeps_what_it_asks_for(preset: str, names: set[str]) -> None:
    assert kept(preset, MODELS) == names


@pytest.mark.parametrize(("month", "is_candidate"), [(99, True), (100, False)])
def test_a_share_of_a_hundredth_of_a_percent_is_no_candidate(month: int, is_candidate: bool) -> None:
    model = judged(figures=model_figures(Usage(1, month, 1000)), others=1_000_000 - month)

    assert not model["at_risk"]
    assert keeps("deletion_candidates", model) is is_candidate


def test_presets_are_offered_in_order_with_a_description_each() -> None:
    assert list(PRESETS) == [
        "deletion_candidates",
        "zero_usage",
        "no_workers",
        "missing_data",
        "host_issues",
        "critical",
        "low_usage",
    ]
    assert all(PRESETS.values())
    assert all(isinstance(keeps(preset, GOOD), bool) for preset in PRESETS)


def test_an_unknown_preset_is_an_error() -> None:
    with pytest.raises(KeyError):
        keeps("Critical", GOOD)


def test_a_summary_counts_flags_and_judgements() -> None:
    assert list(summary_of([GOOD, NEGLECTED, ELSEWHERE, NOT_SERVED]).items()) == [
        ("total_models", 4),
        ("models_at_risk", 3),
        ("models_critical", 1),
        ("models_with_warnings", 1),
        ("models_with_zero_day_usage", 1),
        ("models_with_zero_month_usage", 1),
        ("models_with_zero_total_usage", 1),
        ("models_with_no_active_workers", 2),
        ("models_with_no_downloads", 0),
        ("models_with_non_preferred_hosts", 1),
        ("models_with_multiple_hosts", 0),
        ("models_with_low_usage", 1),
        ("average_risk_score", 1.75),
        ("category_total_month_usage", 900),
    ]


def test_the_average_has_two_decimals() -> None:
    assert summary_of([GOOD, GOOD, NOT_SERVED])["average_risk_score"] == 0.33


def test_a_summary_of_nothing_has_zeros() -> None:
    assert set(summary_of([]).values()) == {0}


def test_usage_that_is_unknown_adds_nothing_to_the_summary() -> None:
    assert summary_of([UNKNOWN, GOOD])["category_total_month_usage"] == 300

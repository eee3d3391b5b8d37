"""What speaks for the deletion of a model (statistics.md section 4.2)."""

from typing import Any

import pytest

from horde_model_reference.integrations.horde_figures import Usage
from stats.domain.risk_rules import RiskRules
from support.judged_models import (
    HUGGINGFACE,
    IMAGE,
    TEXT,
    UNUSED,
    USED,
    a_described_record,
    flags_set,
    judged,
    model_figures,
    with_files,
)

NO_FILES: dict[str, Any] = with_files()
ALL_FLAGS = [
    "zero_usage_day",
    "zero_usage_month",
    "zero_usage_total",
    "no_active_workers",
    "has_multiple_hosts",
    "has_non_preferred_host",
    "has_unknown_host",
    "no_download_urls",
    "missing_description",
    "missing_baseline",
    "low_usage",
]


def test_nothing_speaks_against_a_model_in_good_order() -> None:
    model = judged()
    assert list(model["deletion_risk_flags"]) == ALL_FLAGS
    assert flags_set(model) == set()
    assert (model["at_risk"], model["risk_score"]) == (False, 0)
    assert (model["is_critical"], model["has_warning"]) == (False, False)


@pytest.mark.parametrize(
    ("usage", "flags"),
    [
        (Usage(0, 300, 9000), {"zero_usage_day"}),
        (Usage(0, 0, 9000), {"zero_usage_day", "zero_usage_month", "low_usage"}),
        (UNUSED, {"zero_usage_day", "zero_usage_month", "zero_usage_total", "low_usage"}),
    ],
)
def test_a_figure_of_zero_sets_its_flag(usage: Usage, flags: set[str]) -> None:
    model = judged(figures=model_figures(usage), others=300)
    assert flags_set(model) == flags
    assert (model["at_risk"], model["risk_score"]) == (True, len(flags))


def test_usage_that_is_unknown_sets_no_flag() -> None:
    assert flags_set(judged(figures=model_figures(usage=None))) == set()


def test_a_model_without_threads_has_no_active_workers() -> None:
    assert flags_set(judged(figures=model_figures(threads=0))) == {"no_active_workers"}


def test_threads_that_are_unknown_set_no_flag() -> None:
    assert flags_set(judged(figures=model_figures(threads=None, workers=()))) == set()


@pytest.mark.parametrize(
    ("category", "month", "is_low"),
    [(IMAGE, 64, True), (IMAGE, 65, False), (TEXT, 199, True), (TEXT, 200, False)],
)
def test_usage_is_low_below_a_share_of_the_category(category: str, month: int, is_low: bool) -> None:
    model = judged(figures=model_figures(Usage(1, month, 1000)), category=category, others=1_000_000 - month)
    assert ("low_usage" in flags_set(model)) is is_low


def test_the_share_is_not_rounded_before_it_is_compared() -> None:
    model = judged(figures=model_figures(Usage(1, 64_999, 99_999)), others=1_000_000_000 - 64_999)

    assert model["usage_percentage_of_category"] == 0.0065
    assert "low_usage" in flags_set(model)


def test_usage_is_never_low_where_nothing_is_used() -> None:
    assert "low_usage" not in flags_set(judged(figures=model_figures(UNUSED), others=0))


def test_limits_of_low_usage_are_settings() -> None:
    rules = RiskRules(low_usage_percentage=50.0)
    assert "low_usage" in flags_set(judged(others=301, rules=rules))
    assert "low_usage" not in flags_set(judged(others=300, rules=rules))


@pytest.mark.parametrize(
    ("urls", "flags"),
    [
        ([], {"no_download_urls"}),
        (["", "file.bin"], {"no_download_urls"}),
        (["https://civitai.com/1"], {"has_non_preferred_host"}),
        ([HUGGINGFACE, "https://civitai.com/1"], {"has_multiple_hosts", "has_non_preferred_host"}),
        ([HUGGINGFACE, "https://cdn.huggingface.co/1"], {"has_multiple_hosts"}),
        ([HUGGINGFACE, "http://[::1"], {"has_unknown_host"}),
        ([HUGGINGFACE, HUGGINGFACE, ""], set()),
    ],
)
def test_places_of_files_set_flags_that_are_warnings(urls: list[str], flags: set[str]) -> None:
    model = judged(a_described_record(**with_files(*urls)))
    assert flags_set(model) == flags
    assert model["has_warning"] is bool(flags)


def test_preferred_hosts_are_a_setting() -> None:
    rules = RiskRules(preferred_hosts=("huggingface.co", "civitai.com"))
    record = a_described_record(**with_files("https://civitai.com/1"))
    assert flags_set(judged(record, rules=rules)) == set()


def test_places_of_files_do_not_matter_for_text_unless_told() -> None:
    record = a_described_record(**NO_FILES)
    assert flags_set(judged(record, category=TEXT)) == set()
    strict = RiskRules(text_ignores_hosts=False)
    assert flags_set(judged(record, category=TEXT, rules=strict)) == {"no_download_urls"}


@pytest.mark.parametrize("description", [None, "", " \n", 7])
def test_a_blank_description_is_missing(description: object) -> None:
    model = judged(a_described_record(description=description))
    assert flags_set(model) == {"missing_description"}
    assert model["has_description"] is False


@pytest.mark.parametrize(("baseline", "shown"), [(None, None), ("", ""), (["a"], None)])
def test_an_empty_baseline_is_missing(baseline: object, shown: str | None) -> None:
    model = judged(a_described_record(baseline=baseline))
    assert flags_set(model) == {"missing_baseline"}
    assert model["baseline"] == shown


@pytest.mark.parametrize(
    ("month", "threads", "is_critical"),
    [(0, 0, True), (1, 0, False), (0, 1, False), (None, 0, False), (0, None, False)],
)
def test_an_image_model_is_critical_when_nobody_uses_or_serves_it(
    month: int | None, threads: int | None, is_critical: bool
) -> None:
    usage = None if month is None else Usage(0, month, month)
    assert judged(figures=model_figures(usage, threads))["is_critical"] is is_critical


@pytest.mark.parametrize(
    ("month", "threads", "is_critical"),
    [(9, 0, True), (10, 0, False), (9, 1, False), (None, 0, False), (0, None, False)],
)
def test_a_text_model_is_critical_below_both_limits(
    month: int | None, threads: int | None, is_critical: bool
) -> None:
    usage = None if month is None else Usage(0, month, month)
    assert judged(figures=model_figures(usage, threads), category=TEXT)["is_critical"] is is_critical


def test_limits_of_critical_text_models_are_settings() -> None:
    rules = RiskRules(text_critical_usage=301, text_critical_workers=4)
    assert judged(figures=model_figures(USED, 3), category=TEXT, rules=rules)["is_critical"]

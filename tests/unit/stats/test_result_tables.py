"""Filters, order and pages of the answers with live figures."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.integrations.horde_figures import Usage
from horde_model_reference.integrations.horde_merge import CategoryFigures, figures_of
from service_kit.slices import run_now
from stats.domain.deletion_risk import grouped_report, risk_report
from stats.domain.figure_columns import Measure, columns_of
from stats.domain.popular_table import PopularQuery, PopularTable
from stats.domain.risk_presets import PRESETS, keeps
from stats.domain.risk_rules import RiskRules
from stats.domain.risk_table import MAX_STRANGE_NAMES, RiskQuery, RiskTable, risk_table_steps
from stats.domain.with_stats_table import Members, SortBy, WithStatsQuery, WithStatsTable, with_stats_steps
from support.contents import a_record
from support.live_figures import a_status, a_worker
from support.recorded_statistics import real_records, recorded, recorded_image_figures
from support.reference_data import requires_shared

NAMES = ("delta", "Alpha", "charlie", "Bravo")
FAMILIES = {"delta": "Greek", "Alpha": "Greek"}
RECORDS = {name: a_record("image_generation", name) for name in NAMES}
STAMP = b'"reference_revision":3'


def some_figures(category: str = "image_generation") -> CategoryFigures:
    return figures_of(
        category,
        NAMES,
        [a_status("delta", 3), a_status("Alpha", 5), a_status("charlie", 3)],
        usages({"delta": (9, 9, 1), "Alpha": (1, 20, 40), "Bravo": (1, 5, 90)}),
        [a_worker("w1", "delta", "Bravo"), a_worker("w2", "delta"), a_worker("w3", "Alpha")],
    )


def usages(counts: dict[str, tuple[int, int, int]]) -> dict[str, Usage]:
    return {name: Usage(*three) for name, three in counts.items()}


def a_table(figures: CategoryFigures, *, has_variations: bool = False) -> WithStatsTable:
    return run_now(with_stats_steps(figures, columns_of(figures), has_variations=has_variations))


def shown(query: WithStatsQuery, figures: CategoryFigures | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(a_table(figures or some_figures()).body(query))
    return answer


def a_risk_table() -> RiskTable:
    figures = some_figures()
    report = risk_report("image_generation", RECORDS, figures, RiskRules())
    return run_now(risk_table_steps(report, figures.unattributed))


def report_of(query: RiskQuery) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(a_risk_table().body(query, STAMP))
    return answer


def ranked(query: PopularQuery) -> list[dict[str, Any]]:
    figures = some_figures()
    entries: list[dict[str, Any]] = json.loads(
        PopularTable(figures, columns_of(figures), RECORDS).body(query)
    )
    return entries


@pytest.mark.parametrize(
    ("sort_by", "sort_desc", "names"),
    [
        (None, True, ["delta", "Alpha", "charlie", "Bravo"]),
        (None, False, ["delta", "Alpha", "charlie", "Bravo"]),
        ("name", False, ["Alpha", "Bravo", "charlie", "delta"]),
        ("name", True, ["delta", "charlie", "Bravo", "Alpha"]),
        ("worker_count", True, ["Alpha", "delta", "charlie", "Bravo"]),
        ("worker_count", False, ["Bravo", "delta", "charlie", "Alpha"]),
        ("usage_day", True, ["delta", "Alpha", "Bravo", "charlie"]),
        ("usage_month", True, ["Alpha", "delta", "Bravo", "charlie"]),
        ("usage_total", False, ["charlie", "delta", "Alpha", "Bravo"]),
    ],
)
def test_models_are_sorted_and_equal_ones_stay_in_order(
    sort_by: SortBy | None, sort_desc: bool, names: list[str]
) -> None:
    assert list(shown(WithStatsQuery(sort_by=sort_by, sort_desc=sort_desc))) == names


@pytest.mark.parametrize("sort_desc", [True, False])
def test_the_letter_case_of_a_name_does_not_matter(sort_desc: bool) -> None:
    figures = figures_of("image_generation", ["beta", "Gamma", "alpha"], [], {}, [])

    names = list(shown(WithStatsQuery(sort_by="name", sort_desc=sort_desc), figures))

    assert names == (["Gamma", "beta", "alpha"] if sort_desc else ["alpha", "beta", "Gamma"])


def test_worker_count_means_workers_where_they_are_asked_for() -> None:
    by_threads = shown(WithStatsQuery(sort_by="worker_count"))
    by_workers = shown(WithStatsQuery(Members(workers=True), sort_by="worker_count"))

    assert [(name, one["worker_count"]) for name, one in by_threads.items()] == [
        ("Alpha", 5),
        ("delta", 3),
        ("charlie", 3),
        ("Bravo", 0),
    ]
    assert [(name, one["worker_count"]) for name, one in by_workers.items()] == [
        ("delta", 2),
        ("Alpha", 1),
        ("Bravo", 1),
        ("charlie", 0),
    ]


def test_workers_are_named_once_each_by_their_ids() -> None:
    answer = shown(WithStatsQuery(Members(workers=True)))

    assert list(answer["delta"]["worker_summaries"]) == ["w1", "w2"]
    assert answer["delta"]["worker_summaries"]["w2"] == {
        "id": "w2",
        "name": "worker w2",
        "performance": "1 megapixelsteps per second",
        "online": True,
        "trusted": True,
        "uptime": 60,
    }
    assert answer["charlie"]["worker_summaries"] is None


@given(least=st.integers(-1, 7), workers=st.booleans(), variations=st.booleans())
def test_a_filter_keeps_exactly_the_models_that_show_as_many(
    least: int, workers: bool, variations: bool
) -> None:
    members = Members(workers, variations)
    everything = shown(WithStatsQuery(members))

    kept = shown(WithStatsQuery(members, min_worker_count=least))

    assert kept == {name: one for name, one in everything.items() if one["worker_count"] >= least}


def test_unknown_counts_pass_no_filter() -> None:
    silent = figures_of("image_generation", NAMES, None, None, None)

    assert shown(WithStatsQuery(min_worker_count=1), silent) == {}
    assert list(shown(WithStatsQuery(sort_by="worker_count"), silent)) == list(NAMES)


def test_text_models_show_the_share_of_each_back_end() -> None:
    lines = [a_status("koboldcpp/Marx-Q4_K_M", 2), a_status("aphrodite/pat/Marx"), a_status("tabbyapi/Marx")]
    figures = figures_of("text_generation", ["pat/Marx", "Rest"], lines, None, None)
    table = a_table(figures, has_variations=True)

    answer = json.loads(table.body(WithStatsQuery(Members(variations=True))))

    shares = answer["pat/Marx"]["backend_variations"]
    assert {
        name: (one["variant_name"], one["names"], one["worker_count"]) for name, one in shares.items()
    } == {
        "aphrodite": ("aphrodite/pat/Marx", ["aphrodite/pat/Marx"], 1),
        "koboldcpp": ("koboldcpp/Marx", ["koboldcpp/Marx-Q4_K_M"], 2),
        "other": ("tabbyapi/Marx", ["tabbyapi/Marx"], 1),
    }
    assert shares["koboldcpp"]["usage_month"] is None
    assert answer["Rest"]["backend_variations"] == {}
    assert json.loads(table.body(WithStatsQuery()))["pat/Marx"]["backend_variations"] is None


def test_image_models_have_no_back_ends() -> None:
    answer = shown(WithStatsQuery(Members(variations=True)))

    assert {one["backend_variations"] for one in answer.values()} == {None}


def test_a_report_without_pages_has_every_model() -> None:
    answer = report_of(RiskQuery())

    assert [model["name"] for model in answer["models"]] == ["Alpha", "delta", "Bravo", "charlie"]
    assert (answer["total_count"], answer["filtered_count"], answer["returned_count"]) == (4, 4, 4)
    assert (answer["offset"], answer["limit"], answer["reference_revision"]) == (0, None, 3)


def test_a_report_of_families_tells_the_number_of_models() -> None:
    figures = some_figures("text_generation")
    report = grouped_report(
        risk_report("text_generation", RECORDS, figures, RiskRules()), FAMILIES, RiskRules()
    )
    table = run_now(risk_table_steps(report, figures.unattributed))

    answer = json.loads(table.body(RiskQuery(None, 2), STAMP))

    assert [model["name"] for model in answer["models"]] == ["Greek", "Bravo"]
    assert (answer["total_count"], answer["filtered_count"], answer["returned_count"]) == (4, 3, 2)


def test_names_that_belong_to_no_model_are_all_counted_but_not_all_listed() -> None:
    lines = [a_status(f"stranger {number}", number) for number in range(1000)]
    figures = figures_of("image_generation", NAMES, lines, {}, [])
    report = risk_report("image_generation", RECORDS, figures, RiskRules())
    table = run_now(risk_table_steps(report, figures.unattributed))

    told = json.loads(table.body(RiskQuery(), STAMP))["unattributed"]

    assert (told["name_count"], told["thread_count"]) == (1000, sum(range(1000)))
    assert told["names"] == [f"stranger {number}" for number in range(999, 999 - MAX_STRANGE_NAMES, -1)]


@given(limit=st.integers(1, 6), preset=st.sampled_from([None, *PRESETS]))
def test_pages_put_together_are_the_whole_report(limit: int, preset: str | None) -> None:
    whole = report_of(RiskQuery(preset))
    starts = range(0, len(whole["models"]) + limit, limit)
    pages = [report_of(RiskQuery(preset, limit, start)) for start in starts]

    assert [model for page in pages for model in page["models"]] == whole["models"]
    for page, start in zip(pages, starts, strict=True):
        assert (page["limit"], page["offset"], page["returned_count"]) == (limit, start, len(page["models"]))
        for member in ("summary", "total_count", "filtered_count", "preset_counts"):
            assert page[member] == whole[member]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_keeps_its_models_and_sums_them_up(preset: str) -> None:
    whole, kept = report_of(RiskQuery()), report_of(RiskQuery(preset))

    assert kept["models"] == [model for model in whole["models"] if keeps(preset, model)]
    assert kept["summary"]["total_models"] == kept["filtered_count"] == whole["preset_counts"][preset]
    assert kept["total_count"] == whole["total_count"]
    assert kept["category_total_month_usage"] == whole["category_total_month_usage"]


@pytest.mark.parametrize(
    ("measure", "names"),
    [
        (Measure.WORKER_COUNT, ["Alpha", "delta", "charlie"]),
        (Measure.USAGE_DAY, ["delta", "Alpha", "Bravo"]),
        (Measure.USAGE_MONTH, ["Alpha", "delta", "Bravo"]),
        (Measure.USAGE_TOTAL, ["Bravo", "Alpha", "delta"]),
    ],
)
def test_the_most_popular_come_first(measure: Measure, names: list[str]) -> None:
    assert [one["name"] for one in ranked(PopularQuery(3, measure))] == names


def test_popularity_leaves_out_what_is_null() -> None:
    *_, last = ranked(PopularQuery(4, include_workers=True))

    assert last["name"] == "charlie"
    assert last["stats"] == {
        "queued_jobs": 3,
        "performance": 2.5,
        "eta": 7,
        "queued": 100,
        "usage_stats": {"day": 0, "month": 0, "total": 0},
        "worker_count": 0,
        "thread_count": 3,
        "active_worker_count": 0,
    }
    assert None not in last["record"].values()


def test_a_popular_text_model_tells_its_size_as_a_search_does() -> None:
    records = {"Marx": {**a_record("text_generation", "Marx", parameters=7), "url": None}}
    figures = figures_of("text_generation", records, [], {}, [])

    (entry,) = json.loads(PopularTable(figures, columns_of(figures), records).body(PopularQuery()))

    assert (entry["record"]["parameters_count"], entry["record"]["parameters"]) == (7, 7)
    assert "url" not in entry["record"]


NAMESAKES = {"Anything v3", "Anything v5", "BB95 Furry Mix", "BB95 Furry Mix v14"}
"""Models whose recorded usage is wrong (statistics.md section 9)."""


@requires_shared
@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("with_stats_image_generation", WithStatsQuery()),
        ("with_stats_image_generation_sorted", WithStatsQuery(sort_by="usage_month")),
    ],
)
def test_figures_of_images_are_those_that_were_recorded(name: str, query: WithStatsQuery) -> None:
    wanted, found = recorded(name), shown(query, recorded_image_figures())
    never_used = {"day": 0, "month": 0, "total": 0}

    assert found.keys() == wanted.keys()
    for model, figures in wanted.items():
        expected = {**figures, "usage_stats": figures["usage_stats"] or never_used}
        given_ = {member: found[model][member] for member in figures}
        if model in NAMESAKES:
            expected["usage_stats"] = given_["usage_stats"]
        assert given_ == expected, model


@requires_shared
def test_the_order_of_recorded_figures_is_kept() -> None:
    wanted = recorded("with_stats_image_generation_sorted")
    found = shown(WithStatsQuery(sort_by="usage_month"), recorded_image_figures())

    assert [name for name in found if name not in NAMESAKES] == [
        name for name in wanted if name not in NAMESAKES
    ]


@requires_shared
def test_the_most_popular_images_are_those_that_were_recorded() -> None:
    figures = recorded_image_figures()
    table = PopularTable(figures, columns_of(figures), real_records("image_generation"))
    recorded_entries: Any = recorded("popular_image_generation")
    wanted = [one for one in recorded_entries if one["name"] not in NAMESAKES]

    entries = json.loads(table.body(PopularQuery(10, Measure.USAGE_MONTH)))

    found = [one for one in entries if one["name"] not in NAMESAKES][: len(wanted)]
    assert [one["name"] for one in found] == [one["name"] for one in wanted]
    for ours, theirs in zip(found, wanted, strict=True):
        assert {member: ours["stats"][member] for member in theirs["stats"]} == theirs["stats"]

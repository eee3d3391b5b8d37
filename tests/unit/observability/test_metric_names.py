"""Metrics are named by the conventions of Prometheus, and every one of them is documented."""

import re
from collections import Counter

from support.metric_catalogue import Described, all_metrics
from support.metrics_page import metrics_page
from support.reference_data import REPOSITORY

METRICS = all_metrics()
NAME = re.compile(r"[a-z][a-z0-9_]*[a-z0-9]")


def of_kind(kind: str) -> list[Described]:
    return [one for one in METRICS if one.kind == kind]


def test_every_service_has_metrics() -> None:
    owners = {one.owner for one in METRICS}
    assert owners == {
        "every service",
        "read-api",
        "write-queue",
        "stats",
        "sync-worker",
        "gateway",
    }


def test_names_and_labels_are_words_in_lower_case() -> None:
    wrong = [one.name for one in METRICS if not all(NAME.fullmatch(word) for word in (one.name, *one.labels))]
    assert wrong == []


def test_histograms_say_what_they_measure_in_seconds() -> None:
    assert [one.name for one in of_kind("histogram") if not one.name.endswith("_seconds")] == []


def test_counters_alone_end_in_total() -> None:
    ends = {one.name: one.kind for one in METRICS if one.name.endswith("_total")}
    assert set(ends.values()) == {"counter"}
    assert len(ends) == len(of_kind("counter"))


def test_other_units_than_the_base_units_are_not_used() -> None:
    assert [
        one.name for one in METRICS if re.search(r"_(ms|milliseconds|minutes|hours|kb|mb)$", one.name)
    ] == []


def test_texts_are_sentences() -> None:
    assert [one.name for one in METRICS if not re.fullmatch(r"[A-Z0-9].*[.]", one.text)] == []


def test_labels_of_the_scraper_are_left_to_it() -> None:
    assert [one.name for one in METRICS if {"job", "instance", "le"} & set(one.labels)] == []


def test_no_name_is_used_twice() -> None:
    counts = Counter(name for one in METRICS for name in one.samples)
    assert [name for name, count in counts.items() if count > 1] == []


def test_page_is_what_the_code_and_the_rules_say() -> None:
    page = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert page == metrics_page(), "run `make docs`"

"""From samples to figures."""

import os

import pytest

from load.parts import Watcher
from load.readers import ReadPlan
from load.samples import Sample, as_lists, from_lists
from load.summary import ages, failed_reads, kinds, old_answers, summary, timeline
from load.targets import document_targets
from load.traffic import Extent, Met, after_warm_up

EXTENT = Extent(seconds=10, rate=5, listeners=2, edits=0.5)


def a_read(at: float = 0.0, milliseconds: float = 1.0, outcome: str = "200", revision: int = 1) -> Sample:
    return Sample(at, "record", milliseconds, outcome, revision)


def test_percentiles_are_of_every_request_of_a_kind() -> None:
    (found,) = kinds([a_read(milliseconds=float(n)) for n in range(1, 1001)])
    assert (found["count"], found["p50"], found["p99"], found["p999"], found["max"]) == (
        1000, 500.0, 990.0, 999.0, 1000.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "failed"),
    [("200", False), ("304", False), ("404", True), ("503", True), ("TimeoutError", True)],
)
def test_errors_are_failures(outcome: str, failed: bool) -> None:
    assert a_read(outcome=outcome).failed is failed
    met = Met(0.0, samples=[a_read(at=3.25, outcome=outcome)])
    assert failed_reads(met) == ([f"1 reads failed, record: {outcome}, the first at 3.2 s"] if failed else [])


def test_failed_write_is_no_failed_read() -> None:
    assert failed_reads(Met(0.0, samples=[Sample(1.0, "apply", 5.0, "503")])) == []


def test_listener_that_was_refused_is_a_failed_read() -> None:
    met = Met(0.0, listeners={"openings": {"200": 9, "503": 2, "ConnectionResetError": 1}})
    assert failed_reads(met) == ["2 listeners were refused: 503"]


def test_timeline_counts_by_when_requests_were_due() -> None:
    bins = timeline([a_read(0.5, 9000.0), a_read(1.9), a_read(2.0, outcome="502")])
    assert [(one["at"], one["count"], one["failed"]) for one in bins] == [(0.0, 2, 0), (2.0, 1, 1)]


def test_answer_is_as_old_as_the_news_it_does_not_have() -> None:
    heard = {2: [1.0, 1.5], 3: [2.0]}
    reads = [
        a_read(0.5, revision=1),
        a_read(1.2, revision=1),
        a_read(2.5, revision=1),
        a_read(2.5, revision=3),
    ]
    found = ages(reads, heard)
    assert (found["dated"], found["older"]) == (4, 2)
    assert found["max"] == pytest.approx(1501, abs=0.01)
    assert found["p50"] == pytest.approx(201, abs=0.01)


def test_answer_before_anybody_heard_of_it_has_no_age() -> None:
    assert ages([a_read(0.5, revision=2)], {2: [1.0]})["older"] == 0


@pytest.mark.parametrize(("milliseconds", "stale", "problems"), [(14000, 0, 0), (16000, 0, 1), (16000, 1, 0)])
def test_answer_of_long_ago_has_to_say_so(milliseconds: float, stale: int, problems: int) -> None:
    listeners = {"heard": {"1": [0.0], "2": [1.0]}}
    met = Met(0.0, [a_read(1.0, milliseconds)], listeners=listeners, counts={"stale": stale})
    assert len(old_answers(met)) == problems


def test_warm_up_is_left_out() -> None:
    assert after_warm_up([a_read(-0.1), a_read(0.0)]) == [a_read(0.0)]


def test_samples_survive_a_file() -> None:
    assert from_lists(as_lists([a_read(1.25)])) == [a_read(1.25)]


def test_plan_of_the_readers_survives_a_file() -> None:
    plan = ReadPlan("h", 1, 2.0, 3.0, 4.0, 5, 6, document_targets(), "file")
    assert ReadPlan.parse(plan.render()) == plan


def test_run_without_anything_is_summed_up() -> None:
    found = summary("load", EXTENT, Met(0.0), Watcher(dict, 0.0).usage, machine={})
    assert found["kinds"] == []
    assert found["age"] == {"dated": 0, "older": 0}


def test_part_that_is_away_has_no_memory_then() -> None:
    pids = {"one": os.getpid(), "other": 0}
    watcher = Watcher(lambda: pids, start=0.0)
    watcher.look()
    pids["other"] = pids["late"] = os.getpid()
    watcher.look()
    sizes = watcher.usage.megabytes
    assert [size is None for size in sizes["other"]] == [True, False]
    assert [size is None for size in sizes["late"]] == [True, False]
    assert min(size for size in sizes["one"] if size is not None) > 1
